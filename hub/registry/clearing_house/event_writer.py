"""Adds events: calls that wait for each other's commit share the next one, and each is answered.

Everything of a call is added, or nothing. A call that cannot be, because an id is taken or its
program unknown, spoils no other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import case, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import EventExists, HubError, RegistryUnavailable, UnknownProgram, UnstorableValue
from hub.events.event import NewEvent
from hub.registry.clearing_house.event_bulk import ids_there, insert_rows
from hub.registry.clearing_house.event_rows import row_of
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.moments import micros_of, moment_of
from hub.registry.sql.tables import EventClockRow, ProgramRow

TOGETHER = 2000
"""How many events share a commit at most; one call may have more."""
ONLY_ROW = 1


@dataclass(frozen=True, slots=True)
class _Call:
    events: Sequence[NewEvent]
    added: asyncio.Future[None]


class EventWriter:
    """The one way in for events of this process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[_Call] = []
        self._committing: asyncio.Task[None] | None = None
        # Programs are never deleted, so one that was there still is.
        self._programs: set[str] = set()

    async def add(self, events: Sequence[NewEvent]) -> None:
        """Add all of these events, or none; they are committed when this returns.

        Raises EventExists, UnknownProgram, UnstorableValue: none was added. RegistryUnavailable:
        nobody knows.
        """
        if not events:
            return
        _refuse_repeated(events)
        call = _Call(events, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())
        await call.added

    async def _commit(self) -> None:
        while self._waiting:
            calls = self._next()
            try:
                verdicts = await self._add(calls)
            except BaseException as error:
                if isinstance(error, RegistryUnavailable):
                    # Those behind them would wait for the same store, each group after the other.
                    calls, self._waiting = [*calls, *self._waiting], []
                for call in calls:
                    _answer(call, error if isinstance(error, Exception) else _cut_short())
                if not isinstance(error, Exception):
                    raise
                continue
            for call, verdict in zip(calls, verdicts, strict=True):
                _answer(call, verdict)

    def _next(self) -> list[_Call]:
        calls: list[_Call] = []
        count = 0
        while self._waiting and (not calls or count + len(self._waiting[0].events) <= TOGETHER):
            call = self._waiting.pop(0)
            # Whoever went away before the commit began has added nothing.
            if not call.added.done():
                calls.append(call)
                count += len(call.events)
        return calls

    async def _add(self, calls: Sequence[_Call]) -> list[HubError | None]:
        try:
            return await self._add_together(calls)
        except UnstorableValue as error:
            if len(calls) == 1:
                return [error]
            # The database does not say which call it is, so each is tried by itself.
            return [verdict for call in calls for verdict in await self._add([call])]

    async def _add_together(self, calls: Sequence[_Call]) -> list[HubError | None]:
        if not calls:
            return []
        async with self._database.write() as session:
            await self._look_for_programs(session, calls)
            ids = [event.id for call in calls for event in call.events]
            micros = await self._move_clock(session, len(ids))
            # Under the lock of the clock, what is not there now will not be there at the commit.
            taken = await ids_there(session, ids)
            verdicts = []
            rows: list[Mapping[str, object]] = []
            for call in calls:
                verdict = self._verdict(call.events, taken)
                verdicts.append(verdict)
                if verdict is None:
                    taken.update(event.id for event in call.events)
                    for event in call.events:
                        rows.append(row_of(event, moment_of(micros + len(rows))))
            await insert_rows(session, rows)
        return verdicts

    def _verdict(self, events: Sequence[NewEvent], taken: set[str]) -> HubError | None:
        for event in events:
            if event.publisher_program_id not in self._programs:
                return UnknownProgram(f"no program {event.publisher_program_id}")
        places = [place for place, event in enumerate(events) if event.id in taken]
        return EventExists([events[place].id for place in places], places) if places else None

    async def _look_for_programs(self, session: AsyncSession, calls: Sequence[_Call]) -> None:
        named = {event.publisher_program_id for call in calls for event in call.events}
        for program_id in named - self._programs:
            if await session.get(ProgramRow, program_id) is not None:
                self._programs.add(program_id)

    async def _move_clock(self, session: AsyncSession, count: int) -> int:
        """Lock the clock of events, and give the first of `count` moments, in microseconds."""
        now = micros_of(self._clock())
        row = EventClockRow.last_micros
        moved = (
            update(EventClockRow)
            .where(EventClockRow.id == ONLY_ROW)
            # After `now`, not at it: a cursor that somebody sets to this very moment skips nothing.
            .values(last_micros=case((row >= now, row), else_=now) + count)
            .returning(row)
        )
        last = await session.scalar(moved)
        if last is None:
            await _wind_up(session)
            last = await session.scalar(moved)
        if last is None:
            raise AssertionError("the clock of events has just been wound up")
        return last - count + 1


async def _wind_up(session: AsyncSession) -> None:
    """Make the row of the clock; of several who try at once, one does, and none fails."""
    made = "INSERT INTO event_clock (id, last_micros) VALUES (:id, 0) ON CONFLICT DO NOTHING"
    await session.execute(text(made), {"id": ONLY_ROW})


def _refuse_repeated(events: Sequence[NewEvent]) -> None:
    seen: set[str] = set()
    places = []
    for place, event in enumerate(events):
        if event.id in seen:
            places.append(place)
        seen.add(event.id)
    if places:
        raise EventExists([events[place].id for place in places], places)


def _answer(call: _Call, verdict: Exception | None) -> None:
    if call.added.done():
        return
    if verdict is None:
        call.added.set_result(None)
    else:
        call.added.set_exception(verdict)


def _cut_short() -> RegistryUnavailable:
    return RegistryUnavailable("the process is ending; the events may or may not be kept")
