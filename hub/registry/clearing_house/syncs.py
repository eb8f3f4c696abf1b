"""Runs of syncs: one for one program at a time, under its lease; each is written down.

running ---> succeeded
        |--> failed       something was refused, unknown, unreached, or a template failed
        '--> cut_short    the process ended in the middle; the next run says so for one that died
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from pydantic import JsonValue
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.registry.clearing_house.nights import Due, claim
from hub.registry.clearing_house.sync_batches import BatchState
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, require
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.tables import SyncBatchRow, SyncRow

DIED: dict[str, JsonValue] = {
    "kind": "cut_short",
    "detail": "the process that ran this sync ended in the middle of it",
}
UNANSWERED = "the run ended before LearningBuilder answered"


class Trigger(StrEnum):
    """What made a sync run."""

    CALL = "call"
    NIGHTLY = "nightly"


class SyncState(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CUT_SHORT = "cut_short"


@dataclass(frozen=True, slots=True)
class Sync:
    """One run. Its window ends at `until`; `events` were looked at, `ignored` of them ignored."""

    id: str
    program_id: str
    trigger: Trigger
    by: str
    state: SyncState
    started_at: datetime
    until: datetime
    ended_at: datetime | None
    events: int
    ignored: int
    errors: Sequence[JsonValue]


class Syncs:
    """All runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def begin(
        self,
        lease: SqlLease,
        program_id: str,
        *,
        trigger: Trigger,
        by: str,
        until: datetime | None,
        due: Due | None = None,
    ) -> Sync | None:
        """Write down that a run begins, and close those that died. Raises LeaseLost.

        With `due`, the night is claimed in the same transaction; None if another has done that.
        """
        now = self._clock()
        async with self._database.write() as session:
            await require(session, lease)
            if due is not None and not await claim(session, due, now):
                return None
            await self._close_dead(session, program_id, now)
            row = SyncRow(
                id=str(uuid4()),
                program_id=program_id,
                trigger=trigger,
                by=by,
                state=SyncState.RUNNING,
                started_at=now,
                until=until or now,
                events=0,
                ignored=0,
                errors=[],
            )
            session.add(row)
            await session.flush()
        return _sync(row)

    async def close(
        self,
        lease: SqlLease,
        sync_id: str,
        state: SyncState,
        *,
        events: int,
        ignored: int,
        errors: Sequence[JsonValue],
    ) -> Sync:
        """Write down how a run ended. A batch that is still unanswered is unknown from now on."""
        now = self._clock()
        async with self._database.write() as session:
            await require(session, lease)
            row = await session.get_one(SyncRow, sync_id)
            row.state, row.ended_at = state, now
            row.events, row.ignored, row.errors = events, ignored, list(errors)
            await _give_up_batches(session, [sync_id], now)
        return _sync(row)

    async def find(self, program_id: str, sync_id: str) -> Sync | None:
        async with self._database.read() as session:
            row = await session.get(SyncRow, sync_id)
        return _sync(row) if row and row.program_id == program_id else None

    async def list(
        self, program_id: str, *, cursor: str | None = None, limit: int = 100
    ) -> Page[Sync]:
        """Return a program's runs, newest first."""
        query = select(SyncRow).filter_by(program_id=program_id)
        by = (SyncRow.started_at, SyncRow.id)
        async with self._database.read() as session:
            page = await read_page(
                session, query, by=by, cursor=cursor, limit=limit, newest_first=True
            )
        return page.each(_sync)

    async def _close_dead(self, session: AsyncSession, program_id: str, now: datetime) -> None:
        # Whoever holds the lease knows that nobody else runs.
        running = select(SyncRow).filter_by(program_id=program_id, state=SyncState.RUNNING)
        dead = (await session.scalars(running)).all()
        for row in dead:
            row.state, row.ended_at, row.errors = SyncState.CUT_SHORT, now, [*row.errors, DIED]
        await _give_up_batches(session, [row.id for row in dead], now)


async def _give_up_batches(session: AsyncSession, sync_ids: Sequence[str], now: datetime) -> None:
    unanswered = update(SyncBatchRow).where(
        SyncBatchRow.sync_id.in_(sync_ids), SyncBatchRow.state == BatchState.SENDING
    )
    await session.execute(
        unanswered.values(state=BatchState.UNKNOWN, answer=UNANSWERED, answered_at=now)
    )


def _sync(row: SyncRow) -> Sync:
    return Sync(
        id=row.id,
        program_id=row.program_id,
        trigger=Trigger(row.trigger),
        by=row.by,
        state=SyncState(row.state),
        started_at=row.started_at,
        until=row.until,
        ended_at=row.ended_at,
        events=row.events,
        ignored=row.ignored,
        errors=tuple(row.errors),
    )
