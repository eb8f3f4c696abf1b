"""Calls that add events share commits; what happens to one of them is not the others' business."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from hub.errors import RegistryUnavailable, UnstorableValue
from hub.events.event import EventType, NewEvent
from hub.registry.clearing_house.events import Events
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from tests.hub.registry.clearing_house.event_examples import an_event
from tests.hub.registry.clearing_house.late_database import LateDatabase
from tests.hub.registry.moved_clock import MovedClock

WRITERS = 8


class CountingDatabase(LateDatabase):
    """Counts its commits."""

    commits = 0

    @override
    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            yield session
        self.commits += 1


class GoneDatabase(LateDatabase):
    """Fails, once it is let go, as a store that has gone away."""

    @override
    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            yield session
            self.written.set()
            await self.let_go.wait()
            raise RegistryUnavailable("away")


@pytest.fixture(autouse=True)
async def acme(programs: Programs) -> None:
    await programs.create("ACME", "Acme", by="test")


async def ids(database: Database, clock: MovedClock) -> list[str]:
    found = await Events(database, clock).read(["ACME"], limit=10_000)
    return [event.content.id for event in found]


async def test_calls_that_wait_for_a_commit_share_the_next(url: str, clock: MovedClock) -> None:
    database = CountingDatabase(url)
    events = Events(database, clock)
    first = asyncio.create_task(events.add([an_event("ACME-0")]))
    await database.written.wait()
    others = [asyncio.create_task(events.add([an_event(f"ACME-{n}")])) for n in range(1, 50)]
    await asyncio.sleep(0)

    database.let_go.set()
    await asyncio.gather(first, *others)

    assert database.commits == 2
    assert len(await ids(database, clock)) == 50
    await database.close()


async def test_who_goes_away_in_the_middle_takes_nothing_of_the_others_along(
    url: str, database: Database, clock: MovedClock
) -> None:
    late = LateDatabase(url)
    events = Events(late, clock)
    gone = asyncio.create_task(events.add([an_event("ACME-1"), an_event("ACME-2")]))
    beside = asyncio.create_task(events.add([an_event("ACME-3")]))
    await late.written.wait()
    gone_behind = asyncio.create_task(events.add([an_event("ACME-4"), an_event("ACME-5")]))
    behind = asyncio.create_task(events.add([an_event("ACME-6")]))
    await asyncio.sleep(0)

    gone.cancel()
    gone_behind.cancel()
    late.let_go.set()
    await asyncio.gather(beside, behind)

    assert gone.cancelled()
    # What was being committed is there as a whole; what had not begun is not there at all.
    assert await ids(database, clock) == ["ACME-1", "ACME-2", "ACME-3", "ACME-6"]
    await late.close()


async def test_the_first_writers_of_all_make_the_clock_together(
    url: str, database: Database, clock: MovedClock
) -> None:
    writers = [Database(url) for _ in range(WRITERS)]

    await asyncio.gather(
        *(Events(one, clock).add([an_event(f"ACME-{n}")]) for n, one in enumerate(writers))
    )

    assert sorted(await ids(database, clock)) == [f"ACME-{n}" for n in range(WRITERS)]
    for one in writers:
        await one.close()


async def test_while_the_store_is_away_nobody_waits_for_more_than_one_try(
    url: str, database: Database, clock: MovedClock
) -> None:
    gone = GoneDatabase(url)
    events = Events(gone, clock)
    calls = [asyncio.create_task(events.add([an_event("ACME-0")]))]
    await gone.written.wait()
    # More than share one commit: without an end, they would be tried group after group.
    many = [[an_event(f"ACME-{lot}-{n}") for n in range(1500)] for lot in range(3)]
    calls += [asyncio.create_task(events.add(lot)) for lot in many]
    await asyncio.sleep(0)
    gone.written.clear()

    gone.let_go.set()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in results] == [RegistryUnavailable] * 4
    assert not gone.written.is_set()
    assert await ids(database, clock) == []
    await gone.close()


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_value_that_the_database_cannot_hold_fails_only_its_own_call(
    database: Database, clock: MovedClock
) -> None:
    events = Events(database, clock)

    results = await asyncio.gather(
        events.add([an_event("ACME-1")]),
        events.add([an_event("ACME-2"), an_event("ACME-3", data='"\0"')]),
        events.add([an_event("ACME-4")]),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None), UnstorableValue, type(None)]
    assert await ids(database, clock) == ["ACME-1", "ACME-4"]


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
async def test_the_ends_of_the_calendar_can_be_read_in_any_zone_of_the_server(
    url: str, database: Database, clock: MovedClock, zone: str
) -> None:
    name = sql.Identifier(url.rpartition("/")[2])
    with psycopg.connect(url, autocommit=True) as connection:
        change = sql.SQL("ALTER DATABASE {} SET timezone = {}").format(name, sql.Literal(zone))
        connection.execute(change)
    await database.close()
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    event = NewEvent("ACME-1", "ACME", EventType.AI_STARTED, "ann", "{}", earliest, latest)
    events = Events(database, clock)

    await events.add([event])

    found = await events.find("ACME-1")
    assert found is not None
    assert found.content == event
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} RESET timezone").format(name))
