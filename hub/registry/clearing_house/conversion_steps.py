"""ConversionSteps: what waits to be converted, and what was done with it, step by step.

An event that could not be converted is set aside, in the transaction that moves the cursor past
it, with the revision it failed at; a later revision tries it again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from hub.registry.clearing_house.event_completions import (
    Conversion,
    Failure,
    after_cursor,
    latest_moment,
    read_failure,
)
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, require
from hub.registry.sql.tables import EventCompletionFailureRow, EventCompletionsRow, EventRow


@dataclass(frozen=True, slots=True)
class Step:
    """What was done with some events. `through` is where the cursor is to stand after it."""

    through: datetime
    failures: Sequence[Failure] = ()
    done: Collection[str] = ()
    """The ids of events that went through, or are no more: they are no failures any longer."""


class ConversionSteps:
    """The conversions of all programs, as those see them who do the work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self) -> Sequence[str]:
        """Return the programs with events after their cursor, or with failures to be tried again.

        One look into two indexes for each conversion, for it is asked every second.
        """
        newer = exists().where(
            EventRow.publisher_program_id == EventCompletionsRow.program_id,
            EventRow.created_at > EventCompletionsRow.through,
        )
        failed = exists().where(
            EventCompletionFailureRow.program_id == EventCompletionsRow.program_id,
            EventCompletionFailureRow.revision < EventCompletionsRow.revision,
        )
        query = select(EventCompletionsRow.program_id).where(or_(newer, failed))
        async with self._database.read() as session:
            return (await session.scalars(query.order_by(EventCompletionsRow.changed_at))).all()

    async def to_try_again(self, conversion: Conversion, *, limit: int) -> Sequence[Failure]:
        """Return failures of earlier revisions, those of the earliest first."""
        query = (
            select(EventCompletionFailureRow)
            .where(
                EventCompletionFailureRow.program_id == conversion.program_id,
                EventCompletionFailureRow.revision < conversion.revision,
            )
            .order_by(
                EventCompletionFailureRow.revision, EventCompletionFailureRow.event_created_at
            )
        )
        async with self._database.read() as session:
            return [read_failure(row) for row in (await session.scalars(query.limit(limit))).all()]

    async def reach(
        self, conversion: Conversion, *, most_events: int, most_characters: int
    ) -> datetime:
        """Return how far the next events go, bounded in number and, past the first, in size.

        Where nothing bounds them that is the newest moment given out, so that the cursor also
        passes what is not converted. Never before the cursor.
        """
        async with self._database.read() as session:
            # Asked first: what commits between the two questions is later than this.
            latest = await latest_moment(session)
            found = await session.execute(
                select(EventRow.created_at, _size(session))
                .where(after_cursor(conversion), EventRow.created_at <= latest)
                .order_by(EventRow.created_at)
                .limit(most_events)
            )
            sizes = [(moment, size) for moment, size in found]
        stop = _stop(sizes, most_characters)
        if stop is None and len(sizes) < most_events:
            return max(latest, conversion.through)
        return stop or sizes[-1][0]

    async def record(self, lease: SqlLease, conversion: Conversion, step: Step) -> bool:
        """Write down what was done, all of it or nothing; raises LeaseLost.

        False, and nothing is written, if the cursor was moved by hand since `conversion` was read,
        or the conversion was deleted. A new template alone is no hindrance: what was told by the
        old one was told, and what failed by it is tried again.
        """
        async with self._database.write() as session:
            await require(session, lease)
            row = await session.get(
                EventCompletionsRow, conversion.program_id, with_for_update=True
            )
            if row is None or not _is_as_read(row, conversion):
                return False
            row.through = step.through
            await _set_aside(session, conversion, step)
        return True


def _is_as_read(row: EventCompletionsRow, conversion: Conversion) -> bool:
    # A lower revision is another conversion, made after this one was deleted.
    return row.through == conversion.through and row.revision >= conversion.revision


async def _set_aside(session: AsyncSession, conversion: Conversion, step: Step) -> None:
    settled = [*step.done, *(failure.event_id for failure in step.failures)]
    if not settled:
        return
    await session.execute(
        delete(EventCompletionFailureRow).where(
            EventCompletionFailureRow.program_id == conversion.program_id,
            EventCompletionFailureRow.event_id.in_(settled),
        )
    )
    session.add_all(
        EventCompletionFailureRow(
            program_id=conversion.program_id,
            event_id=failure.event_id,
            event_created_at=failure.event_created_at,
            revision=conversion.revision,
            at=failure.at,
            reason=failure.reason,
        )
        for failure in step.failures
    )


def _size(session: AsyncSession) -> ColumnElement[int]:
    # PostgreSQL knows the bytes of a long text without reading it; for characters it reads all.
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return (func.octet_length if is_postgres else func.length)(EventRow.event_data)


def _stop(sizes: Sequence[tuple[datetime, int]], most_characters: int) -> datetime | None:
    """Return the moment of the last event before there would be too much; None if all may come."""
    total, last = 0, None
    for moment, size in sizes:
        total += size
        if last is not None and total > most_characters:
            return last
        last = moment
    return None
