"""Conversions: by which template a program's events become completions, and how far that has got.

`through` is a cursor in the clock of events: what was created after it is still to be converted.
What is done step by step is in `conversion_steps`; here is what people ask for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import UnknownConversion, UnknownProgram
from hub.events.event import EventType
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.moments import moment_of
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.tables import (
    EventClockRow,
    EventCompletionFailureRow,
    EventCompletionsRow,
    EventRow,
    ProgramRow,
)
from hub.registry.trust.audit import note

CONVERTED = EventType.AI_COMP_SUCCESS
MOST_COUNTED = 10_000
NEWEST_LOOKED_AT = 1000
"""How far back the newest events of a type are looked for: others may be a million before them."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How one program's events become completions. Every save raises `revision`."""

    program_id: str
    template: str
    through: datetime
    revision: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that was set aside, and why."""

    event_id: str
    event_created_at: datetime
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """How many events wait, and how many were set aside; counted no further than 10,000."""

    waiting: int
    failures: int


class EventCompletions:
    """The conversions of all programs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def save(
        self, program_id: str, template: str, *, since: datetime | None = None, by: str
    ) -> Conversion:
        """Convert what was created after `since`; by default where it stands, or from now on.

        What was set aside is tried again, also when the template is the same. Raises
        UnknownProgram.
        """
        async with self._database.write() as session:
            # Two who save the first template at once would both insert a row.
            one_by_one = {"key_share": True}
            if await session.get(ProgramRow, program_id, with_for_update=one_by_one) is None:
                raise UnknownProgram(f"no program {program_id}")
            row = await session.get(EventCompletionsRow, program_id, with_for_update=True)
            before = _conversion(row) if row else None
            if row is None:
                through = since or await latest_moment(session)
                row = EventCompletionsRow(program_id=program_id, through=through, revision=0)
                session.add(row)
            row.template, row.through = template, since or row.through
            row.revision, row.changed_at = row.revision + 1, self._clock()
            self._note(session, by, before, _conversion(row))
        return _conversion(row)

    async def find(self, program_id: str) -> Conversion | None:
        async with self._database.read() as session:
            row = await session.get(EventCompletionsRow, program_id)
        return _conversion(row) if row else None

    async def delete(self, program_id: str, *, by: str) -> None:
        """Convert nothing more, and forget what was set aside. Raises UnknownConversion."""
        async with self._database.write() as session:
            row = await session.get(EventCompletionsRow, program_id, with_for_update=True)
            if row is None:
                raise UnknownConversion(f"the events of {program_id} are not made into completions")
            self._note(session, by, _conversion(row), None)
            of_program = EventCompletionFailureRow.program_id == program_id
            await session.execute(delete(EventCompletionFailureRow).where(of_program))
            await session.delete(row)

    async def counts(self, conversion: Conversion) -> Counts:
        """Count what waits, and what was set aside."""
        failed = select(EventCompletionFailureRow.event_id).where(
            _set_aside_of(conversion.program_id)
        )
        waiting = select(EventRow.id).where(after_cursor(conversion))
        async with self._database.read() as session:
            return Counts(await _count(session, waiting), await _count(session, failed))

    async def failures(
        self,
        program_id: str,
        *,
        event_id: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[Failure]:
        """Return what was set aside, the newest event first; or one event, if it was."""
        query = select(EventCompletionFailureRow).where(_set_aside_of(program_id))
        if event_id is not None:
            query = query.where(EventCompletionFailureRow.event_id == event_id)
        by = (EventCompletionFailureRow.event_created_at, EventCompletionFailureRow.event_id)
        async with self._database.read() as session:
            page = await read_page(
                session, query, by=by, cursor=cursor, limit=limit, newest_first=True
            )
        return page.each(read_failure)

    async def newest(self, program_id: str, *, limit: int) -> Sequence[str]:
        """Return the ids of the newest events that would be converted, among the last 1,000."""
        last = (
            select(EventRow.id, EventRow.event_type, EventRow.created_at)
            .where(EventRow.publisher_program_id == program_id)
            .order_by(EventRow.created_at.desc())
            .limit(NEWEST_LOOKED_AT)
            .subquery()
        )
        query = select(last.c.id).where(last.c.event_type == CONVERTED)
        async with self._database.read() as session:
            found = await session.scalars(query.order_by(last.c.created_at.desc()).limit(limit))
            return found.all()

    def _note(
        self, session: AsyncSession, by: str, before: Conversion | None, after: Conversion | None
    ) -> None:
        action = "changed" if before and after else "created" if after else "deleted"
        one = after or before
        if one is None:
            raise AssertionError("a change is from something or to something")
        note(
            session,
            action,
            "event_completions",
            one.program_id,
            at=self._clock(),
            by=by,
            program_id=one.program_id,
            before=before,
            after=after,
        )


async def latest_moment(session: AsyncSession) -> datetime:
    """Return the newest moment that was given to an event; long ago if none ever was."""
    micros = await session.scalar(select(EventClockRow.last_micros))
    # Before the first event no clock of ours counts: another process's may be behind.
    return moment_of(micros or 0)


def after_cursor(conversion: Conversion) -> ColumnElement[bool]:
    """Say which events are still to be converted."""
    return and_(
        EventRow.publisher_program_id == conversion.program_id,
        EventRow.created_at > conversion.through,
        EventRow.event_type == CONVERTED,
    )


def _set_aside_of(program_id: str) -> ColumnElement[bool]:
    # An event that was deleted since is forgotten when it would be tried again; until then unseen.
    is_kept = exists().where(EventRow.id == EventCompletionFailureRow.event_id)
    return and_(EventCompletionFailureRow.program_id == program_id, is_kept)


async def _count(session: AsyncSession, query: Select[str]) -> int:
    bounded = query.limit(MOST_COUNTED).subquery()
    return await session.scalar(select(func.count()).select_from(bounded)) or 0


def _conversion(row: EventCompletionsRow) -> Conversion:
    return Conversion(row.program_id, row.template, row.through, row.revision, row.changed_at)


def read_failure(row: EventCompletionFailureRow) -> Failure:
    """Read a row."""
    return Failure(row.event_id, row.event_created_at, row.reason, row.at)
