"""Events: published once, read in the order in which they were committed.

The row of `event_clock` is the clock of events. Whoever adds events moves it on, and so holds its
lock until the commit; the moments it gives are what `created_at` says. So no event ever becomes
visible behind one that was visible before it, however many processes write: who has read up to a
moment has seen everything up to it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from hub.errors import UnknownEvent
from hub.events.event import Event, EventType, NewEvent
from hub.registry.clearing_house.event_rows import COLUMNS, event_of
from hub.registry.clearing_house.event_writer import EventWriter
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.moments import moment_of
from hub.registry.sql.tables import EventClockRow, EventRow
from hub.registry.trust.audit import note

PUBLISHERS_AT_ONCE = 200
"""SQLite takes 500 parts in a union at most."""
NEWEST_LOOKED_AT = 1000
"""How far back events of other categories are looked for."""
MOST_COUNTED = 10_000


class Events:
    """All events."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._writer = EventWriter(database, clock)

    async def add(self, events: Sequence[NewEvent]) -> None:
        """Add all of these events, or none; they are committed when this returns.

        Raises EventExists, UnknownProgram, UnstorableValue: none was added. RegistryUnavailable:
        nobody knows.
        """
        await self._writer.add(events)

    async def find(self, event_id: str) -> Event | None:
        async with self._database.read() as session:
            found = await session.execute(select(*COLUMNS).where(EventRow.id == event_id))
            row = found.one_or_none()
        return event_of(tuple(row)) if row else None

    async def delete(self, event_id: str, *, by: str) -> None:
        """Delete an event; raise UnknownEvent. Those who have it already keep it."""
        async with self._database.write() as session:
            row = await session.get(EventRow, event_id, with_for_update=True)
            if row is None:
                raise UnknownEvent(f"no event {event_id}")
            await session.delete(row)
            note(
                session,
                "deleted",
                "event",
                event_id,
                at=self._clock(),
                by=by,
                program_id=row.publisher_program_id,
            )

    async def latest(self) -> datetime | None:
        """Return the newest moment; what was created up to it is there, and nothing will join it.

        None before the first event.
        """
        async with self._database.read() as session:
            micros = await session.scalar(select(EventClockRow.last_micros))
        return None if micros is None else moment_of(micros)

    async def newest(self, publisher: str, *, category: str, limit: int) -> Sequence[Event]:
        """Return a publisher's newest events of a category, newest first."""
        query = (
            select(*COLUMNS)
            .where(EventRow.publisher_program_id == publisher, EventRow.category_value == category)
            .order_by(EventRow.created_at.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return [event_of(tuple(row)) for row in await session.execute(query)]

    async def newest_of_others(
        self, publisher: str, *, but: Collection[str], limit: int
    ) -> Sequence[Event]:
        """Return a publisher's newest events of no such category, among the last 1,000."""
        last = (
            select(EventRow.id, EventRow.category_value)
            .where(EventRow.publisher_program_id == publisher)
            .order_by(EventRow.created_at.desc())
            .limit(NEWEST_LOOKED_AT)
            .subquery()
        )
        others = or_(last.c.category_value.is_(None), last.c.category_value.not_in(but))
        query = (
            select(*COLUMNS)
            .where(EventRow.id.in_(select(last.c.id).where(others)))
            .order_by(EventRow.created_at.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return [event_of(tuple(row)) for row in await session.execute(query)]

    async def count(
        self, publisher: str, *, after: datetime | None, most: int = MOST_COUNTED
    ) -> Mapping[str | None, int]:
        """Count a publisher's events after a moment by category; no more than `most` in all."""
        wanted = [EventRow.created_at > after] if after else []
        first = (
            select(EventRow.category_value)
            .where(EventRow.publisher_program_id == publisher, *wanted)
            .order_by(EventRow.created_at)
            .limit(most)
            .subquery()
        )
        query = select(first.c.category_value, func.count()).group_by(first.c.category_value)
        async with self._database.read() as session:
            return dict((await session.execute(query)).all())

    async def read(
        self,
        publishers: Collection[str],
        *,
        after: datetime | None = None,
        until: datetime | None = None,
        event_type: EventType | None = None,
        category: str | None = None,
        before: datetime | None = None,
        newest_first: bool = False,
        limit: int,
    ) -> Sequence[Event]:
        """Return at most `limit` events of these publishers, in the order of their commits.

        Those created after `after`, before `before`, up to and including `until`. To page on, give
        the moment of the last one as `after`; or as `before`, if the newest are to be first.
        """
        wanted = [
            *([EventRow.created_at > after] if after else []),
            *([EventRow.created_at < before] if before else []),
            *([EventRow.created_at <= until] if until else []),
            *([EventRow.event_type == event_type.value] if event_type else []),
            *([EventRow.category_value == category] if category is not None else []),
        ]
        names = sorted(set(publishers))
        if not names:
            return ()
        async with self._database.read() as session:
            if len(names) > 1:
                end = await _end_of_page(session, names, wanted, limit, newest_first=newest_first)
                if end is None:
                    return ()
                moment = EventRow.created_at
                wanted.append(moment >= end if newest_first else moment <= end)
            rows = await session.execute(
                select(*COLUMNS)
                .where(EventRow.publisher_program_id.in_(names), *wanted)
                .order_by(_in_order(EventRow.created_at, newest_first=newest_first))
                .limit(limit)
            )
            return [event_of(tuple(row)) for row in rows]


async def _end_of_page(
    session: AsyncSession,
    publishers: Sequence[str],
    wanted: Sequence[ColumnElement[bool]],
    limit: int,
    *,
    newest_first: bool,
) -> datetime | None:
    """Give the moment of the last event of the next page; None when there is none.

    Asked for each publisher by itself, so that each answer comes straight from an index: one that
    publishes much does not bury one that publishes little.
    """
    moments: list[datetime] = []
    for start in range(0, len(publishers), PUBLISHERS_AT_ONCE):
        each = [
            select(EventRow.created_at)
            .where(EventRow.publisher_program_id == publisher, *wanted)
            .order_by(_in_order(EventRow.created_at, newest_first=newest_first))
            .limit(limit)
            .subquery()
            for publisher in publishers[start : start + PUBLISHERS_AT_ONCE]
        ]
        together = union_all(*(select(one.c.created_at) for one in each)).subquery()
        order = _in_order(together.c.created_at, newest_first=newest_first)
        first = select(together.c.created_at).order_by(order).limit(limit)
        moments.extend(await session.scalars(first))
    page = sorted(moments, reverse=newest_first)[:limit]
    return page[-1] if page else None


def _in_order(
    moment: ColumnElement[datetime] | InstrumentedAttribute[datetime], *, newest_first: bool
) -> ColumnElement[datetime]:
    return moment.desc() if newest_first else moment.asc()
