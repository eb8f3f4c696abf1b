"""Whoever follows a cursor sees every event once, however late and in what order writers commit."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import pytest

from hub.errors import RegistryUnavailable
from hub.registry.clearing_house.events import Events
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from tests.hub.registry.clearing_house.event_examples import an_event
from tests.hub.registry.clearing_house.following import ByPages, ByWindows
from tests.hub.registry.clearing_house.late_database import LateDatabase
from tests.hub.registry.clearing_house.publisher import PUBLISHERS
from tests.hub.registry.moved_clock import MovedClock
from tests.waiting import until

PROCESSES = 3
EVENTS = 120


@pytest.fixture
async def events(database: Database, clock: MovedClock, programs: Programs) -> Events:
    for program in PUBLISHERS:
        await programs.create(program, program.title(), by="test")
    return Events(database, clock)


@pytest.fixture
async def late(url: str) -> AsyncIterator[LateDatabase]:
    database = LateDatabase(url)
    yield database
    await database.close()


def both(events: Events) -> list[ByPages | ByWindows]:
    return [ByPages(events, PUBLISHERS), ByWindows(events, PUBLISHERS)]


async def publisher(url: str, name: str, count: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.hub.registry.clearing_house.publisher", url, name, count),
        stdout=PIPE,
    )


async def has_written(process: Process) -> None:
    assert process.stdout is not None
    assert await process.stdout.readline() == b"written\n"


async def test_nothing_is_given_a_place_behind_what_is_still_to_be_committed(
    events: Events, late: LateDatabase, clock: MovedClock
) -> None:
    readers = both(events)
    slow = asyncio.create_task(Events(late, clock).add([an_event("ACME-slow")]))
    await late.written.wait()
    quick = asyncio.create_task(events.add([an_event("BETA-quick", publisher="BETA")]))
    for reader in readers:
        await reader.read_on()
        assert reader.seen == []

    late.let_go.set()
    await asyncio.gather(slow, quick)

    for reader in readers:
        await reader.read_on()
        await reader.read_on()
        assert reader.seen == ["ACME-slow", "BETA-quick"]


async def test_a_slow_clock_in_another_process_puts_nothing_behind_a_cursor(
    events: Events, url: str, clock: MovedClock
) -> None:
    behind = MovedClock()
    behind.move(-3600)
    other_database = Database(url)
    others = Events(other_database, behind)
    readers = both(events)

    for number in range(6):
        await (others if number % 2 else events).add([an_event(f"ACME-{number}")])
        for reader in readers:
            await reader.read_on()

    assert [reader.seen for reader in readers] == [[f"ACME-{number}" for number in range(6)]] * 2
    await other_database.close()


async def test_many_processes_publish_and_every_event_is_seen_once(
    events: Events, url: str
) -> None:
    readers: list[ByPages | ByWindows] = [
        ByPages(events, PUBLISHERS),
        ByWindows(events, PUBLISHERS),
        ByPages(events, PUBLISHERS[:1]),
    ]
    processes = [await publisher(url, f"P{number}", str(EVENTS)) for number in range(PROCESSES)]
    ended = asyncio.gather(*(process.wait() for process in processes))

    rounds = 0
    while not ended.done():
        rounds += 1
        for reader in readers:
            await reader.read_on()
        await asyncio.sleep(0)
    assert await ended == [0] * PROCESSES
    for reader in readers:
        await reader.read_on()

    published = {
        f"{PUBLISHERS[number % 2]}-P{process}-{number}"
        for process in range(PROCESSES)
        for number in range(EVENTS)
    }
    by_pages, by_windows, of_one = (reader.seen for reader in readers)
    assert sorted(by_pages) == sorted(published)
    assert by_windows == by_pages
    assert of_one == [event_id for event_id in by_pages if event_id.startswith("ACME-")]
    assert rounds > PROCESSES


async def test_a_process_that_is_killed_in_the_middle_leaves_nothing_and_holds_up_nobody(
    events: Events, url: str
) -> None:
    process = await publisher(url, "gone", "stall")
    await has_written(process)
    waiting = asyncio.create_task(events.add([an_event("ACME-1")]))

    process.kill()
    await process.wait()

    await waiting
    reader = ByPages(events, PUBLISHERS)
    await reader.read_on()
    assert reader.seen == ["ACME-1"]


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_process_that_freezes_in_the_middle_holds_the_others_up_for_seconds(
    events: Events, url: str
) -> None:
    process = await publisher(url, "frozen", "stall")
    await has_written(process)
    process.send_signal(signal.SIGSTOP)

    async def added() -> bool:
        try:
            await events.add([an_event("ACME-1")])
        except RegistryUnavailable:
            return False
        return True

    await until(added, within=8)
    reader = ByPages(events, PUBLISHERS)
    await reader.read_on()
    assert reader.seen == ["ACME-1"]
    process.kill()
    await process.wait()
