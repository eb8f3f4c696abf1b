"""Batches of syncs, and the cursors that move with them.

    sending ---> accepted      the cursor moves in the same transaction
            |--> refused       surely not applied: its events are taken up afresh
            |--> unreached     the same
            '--> unknown       may have been applied: the next run repeats exactly these events
    abandoned                  somebody set the cursor by hand, and what was open is forgotten

A batch is written down before it is posted, with the moments of its events. They are kept while
they matter: of an unknown batch until its events are settled, of an accepted one until the cursor
is past them, so that the next run leaves out exactly those events. After that they are NULL.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import case, func, null, select, update
from sqlalchemy.orm import defer

from hub.registry.clearing_house.sync_cursors import Reading, batches_of, is_ours, move
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, require
from hub.registry.sql.moments import Moments, micros_of, moment_of
from hub.registry.sql.tables import SyncBatchRow, SyncRow


class BatchState(StrEnum):
    """What became of a batch."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNREACHED = "unreached"
    ABANDONED = "abandoned"


KEEPS_MOMENTS = frozenset({BatchState.ACCEPTED, BatchState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch that is about to be posted. `moments` are those of its events, in order."""

    import_process_id: str
    file_name: str
    moments: Sequence[datetime]
    repeated: bool


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that may have been applied, and the events of it that are not settled yet."""

    id: int
    import_process_id: str
    file_name: str
    moments: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What came of posting a batch; `answer` is what LearningBuilder said, or why it did not."""

    state: BatchState
    answer: str
    status: int | None = None
    queue_batch_id: str | None = None
    queue_batch_details: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is told of."""

    id: int
    sync_id: str
    publisher_program_id: str
    import_process_id: str
    file_name: str
    first_event_at: datetime
    last_event_at: datetime
    rows: int
    state: BatchState
    repeated: bool
    status: int | None
    answer: str | None
    queue_batch_id: str | None
    queue_batch_details: str | None
    sent_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sum:
    """How many batches a run posted, and how many rows were accepted of them."""

    batches: int = 0
    rows: int = 0


class SyncBatches:
    """All batches. Every write needs the lease of the run, and raises LeaseLost without it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open(
        self,
        lease: SqlLease,
        sync_id: str,
        reading: Reading,
        batch: NewBatch,
        *,
        instead_of: OpenBatch | None = None,
        left: Collection[datetime] = (),
        events: int = 0,
        ignored: int = 0,
    ) -> int | None:
        """Write a batch down before it is posted; None if the cursor was set by hand meanwhile.

        It may take the place of one that it repeats, which keeps the moments `left`. `events` and
        `ignored` are how many the run has looked at so far.
        """
        async with self._database.write() as session:
            await require(session, lease)
            if not await is_ours(session, reading):
                return None
            row = SyncBatchRow(
                sync_id=sync_id,
                program_id=reading.program_id,
                publisher_program_id=reading.publisher_program_id,
                import_process_id=batch.import_process_id,
                file_name=batch.file_name,
                first_event_at=batch.moments[0],
                last_event_at=batch.moments[-1],
                event_moments=_micros_of(batch.moments),
                rows=len(batch.moments),
                state=BatchState.SENDING,
                repeated=batch.repeated,
                sent_at=self._clock(),
            )
            session.add(row)
            await session.execute(
                update(SyncRow).filter_by(id=sync_id).values(events=events, ignored=ignored)
            )
            if instead_of is not None:
                kept = _micros_of(sorted(left)) or null()
                await session.execute(
                    update(SyncBatchRow).filter_by(id=instead_of.id).values(event_moments=kept)
                )
            await session.flush()
            return row.id

    async def answer(
        self,
        lease: SqlLease,
        batch_id: int,
        reading: Reading,
        answer: BatchAnswer,
        *,
        cursor: datetime | None = None,
    ) -> bool:
        """Write down what came of a batch and, in one, move the cursor to what is now settled.

        False if the cursor was set by hand meanwhile; then it stays where it was set. To write the
        same twice is harmless.
        """
        async with self._database.write() as session:
            await require(session, lease)
            ours = await is_ours(session, reading)
            mine = update(SyncBatchRow).filter_by(id=batch_id)
            await session.execute(
                mine.values(
                    state=answer.state,
                    status=answer.status,
                    answer=answer.answer,
                    queue_batch_id=answer.queue_batch_id,
                    queue_batch_details=answer.queue_batch_details,
                    answered_at=self._clock(),
                )
            )
            if answer.state not in KEEPS_MOMENTS:
                await session.execute(mine.values(event_moments=null()))
            if ours and cursor is not None:
                await move(session, reading, cursor)
            return ours

    async def settle(self, lease: SqlLease, reading: Reading, cursor: datetime) -> bool:
        """Move the cursor to what is settled, never back; False if it was set by hand meanwhile."""
        async with self._database.write() as session:
            await require(session, lease)
            ours = await is_ours(session, reading)
            if ours:
                await move(session, reading, cursor)
            return ours

    async def doubtful(self, program_id: str, publisher_program_id: str) -> Sequence[OpenBatch]:
        """Return the batches that may have been applied, oldest first."""
        query = (
            select(SyncBatchRow)
            .where(
                batches_of(program_id, publisher_program_id),
                SyncBatchRow.state == BatchState.UNKNOWN,
                SyncBatchRow.event_moments.is_not(None),
            )
            .order_by(SyncBatchRow.id)
        )
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        return [
            OpenBatch(
                row.id,
                row.import_process_id,
                row.file_name,
                tuple(moment_of(one) for one in row.event_moments or ()),
            )
            for row in rows
        ]

    async def accepted_beyond(
        self, program_id: str, publisher_program_id: str, cursor: datetime | None
    ) -> Moments:
        """Return the moments of the events after the cursor that were accepted already."""
        query = select(SyncBatchRow.event_moments).where(
            batches_of(program_id, publisher_program_id),
            SyncBatchRow.state == BatchState.ACCEPTED,
            SyncBatchRow.event_moments.is_not(None),
        )
        if cursor is not None:
            query = query.where(SyncBatchRow.last_event_at > cursor)
        async with self._database.read() as session:
            return Moments(await session.scalars(query))

    async def of_sync(self, sync_id: str) -> Sequence[Batch]:
        """Return the batches of one run, in the order in which they were posted."""
        query = (
            select(SyncBatchRow)
            .options(defer(SyncBatchRow.event_moments))
            .filter_by(sync_id=sync_id)
            .order_by(SyncBatchRow.id)
        )
        async with self._database.read() as session:
            return [_batch(row) for row in await session.scalars(query)]

    async def sums(self, sync_ids: Collection[str]) -> Mapping[str, Sum]:
        """Add up the batches of some runs; a run without any is left out."""
        rows = func.sum(
            case((SyncBatchRow.state == BatchState.ACCEPTED, SyncBatchRow.rows), else_=0)
        )
        query = (
            select(SyncBatchRow.sync_id, func.count(), rows)
            .where(SyncBatchRow.sync_id.in_(sync_ids))
            .group_by(SyncBatchRow.sync_id)
        )
        async with self._database.read() as session:
            return {one: Sum(count, taken) for one, count, taken in await session.execute(query)}


def _micros_of(moments: Iterable[datetime]) -> list[int]:
    return [micros_of(one) for one in moments]


def _batch(row: SyncBatchRow) -> Batch:
    return Batch(
        id=row.id,
        sync_id=row.sync_id,
        publisher_program_id=row.publisher_program_id,
        import_process_id=row.import_process_id,
        file_name=row.file_name,
        first_event_at=row.first_event_at,
        last_event_at=row.last_event_at,
        rows=row.rows,
        state=BatchState(row.state),
        repeated=row.repeated,
        status=row.status,
        answer=row.answer,
        queue_batch_id=row.queue_batch_id,
        queue_batch_details=row.queue_batch_details,
        sent_at=row.sent_at,
        answered_at=row.answered_at,
    )
