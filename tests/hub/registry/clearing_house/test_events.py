"""Events in SQL: added all or none, and read in the order of their commits."""

import asyncio
from datetime import datetime, timedelta

import pytest

from hub.errors import EventExists, UnknownEvent, UnknownProgram
from hub.events.event import Category, EventType, NewEvent
from hub.registry.clearing_house.events import Events
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from hub.registry.trust.audit import Audit
from tests.hub.registry.clearing_house.event_examples import START, an_event
from tests.hub.registry.moved_clock import MovedClock

BIG = '{"n": 12345678901234567890, "z": 1.0, "a": "\\u00e9\\u0000", "e": 1E400}'


@pytest.fixture
async def events(database: Database, clock: MovedClock, programs: Programs) -> Events:
    for program in ("ACME", "BETA", "GAMMA"):
        await programs.create(program, program.title(), by="test")
    return Events(database, clock)


async def ids(events: Events, **filters: object) -> list[str]:
    found = await events.read(["ACME", "BETA"], limit=100, **filters)  # type: ignore[arg-type]  # a table's
    return [event.content.id for event in found]


async def test_an_event_is_kept_as_it_was_handed_in(events: Events) -> None:
    event = NewEvent(
        id="ACME-" + "x" * 149,
        publisher_program_id="ACME",
        type=EventType.LPI_REOPENED,
        publisher_participant_id="p" * 200,
        data=BIG,
        starts_at=START,
        ends_at=START + timedelta(microseconds=1),
        publisher_system_id="s" * 25,
        publisher_event_id="e" * 200,
        category=Category("c" * 200, "l" * 200),
    )

    await events.add([event])

    found = await events.find(event.id)
    assert found is not None
    assert found.content == event
    assert await events.find("ACME-2") is None


async def test_moments_grow_with_every_commit(events: Events, clock: MovedClock) -> None:
    await events.add([an_event("ACME-1"), an_event("ACME-2")])
    clock.move(-5 * 3600)
    await events.add([an_event("ACME-3")])
    clock.move(10 * 3600)
    await events.add([an_event("ACME-4")])

    found = await events.read(["ACME"], limit=10)
    moments = [event.created_at for event in found]
    assert [event.content.id for event in found] == ["ACME-1", "ACME-2", "ACME-3", "ACME-4"]
    assert moments == sorted(set(moments))
    assert moments[3] - moments[2] > timedelta(hours=4)
    assert await events.latest() == moments[3]


async def test_before_the_first_event_there_is_no_moment(events: Events) -> None:
    assert await events.latest() is None
    assert await events.read(["ACME"], limit=10) == []
    assert await events.read([], limit=10) == ()


async def test_an_id_that_is_taken_takes_the_whole_call_with_it(events: Events) -> None:
    await events.add([an_event("ACME-2")])

    with pytest.raises(EventExists) as refused:
        await events.add([an_event("ACME-1"), an_event("ACME-2"), an_event("ACME-3")])

    assert (refused.value.event_ids, refused.value.places) == (("ACME-2",), (1,))
    assert await ids(events) == ["ACME-2"]


async def test_an_id_that_stands_twice_in_a_call_is_refused(events: Events) -> None:
    with pytest.raises(EventExists) as refused:
        await events.add([an_event("ACME-1"), an_event("ACME-1")])

    assert refused.value.places == (1,)
    assert await ids(events) == []


async def test_calls_that_share_a_commit_are_answered_each_for_itself(events: Events) -> None:
    await events.add([an_event("ACME-0")])

    results = await asyncio.gather(
        events.add([an_event("ACME-1")]),
        events.add([an_event("ACME-2"), an_event("ACME-0")]),
        events.add([an_event("ACME-3", publisher="NOBODY")]),
        events.add([an_event("ACME-1")]),
        events.add([an_event("ACME-4")]),
        return_exceptions=True,
    )

    kinds = [type(result) for result in results]
    assert kinds == [type(None), EventExists, UnknownProgram, EventExists, type(None)]
    assert await ids(events) == ["ACME-0", "ACME-1", "ACME-4"]


async def test_who_goes_away_before_the_commit_has_added_nothing(events: Events) -> None:
    first = asyncio.create_task(events.add([an_event("ACME-1")]))
    await asyncio.sleep(0)
    gone = asyncio.create_task(events.add([an_event("ACME-2"), an_event("ACME-3")]))
    await asyncio.sleep(0)
    gone.cancel()
    last = asyncio.create_task(events.add([an_event("ACME-4")]))

    await asyncio.gather(first, last)

    assert await ids(events) in (["ACME-1", "ACME-4"], ["ACME-1", "ACME-2", "ACME-3", "ACME-4"])


async def test_more_than_a_commit_takes_are_added_in_turn(events: Events) -> None:
    lots = [[an_event(f"ACME-{lot}-{n}") for n in range(900)] for lot in range(4)]

    await asyncio.gather(*(events.add(lot) for lot in lots))

    found = await events.read(["ACME"], limit=5000)
    assert [event.content.id for event in found] == [one.id for lot in lots for one in lot]


@pytest.mark.parametrize("publishers", [["ACME"], ["ACME", "BETA", "GAMMA"]], ids=len)
async def test_pages_follow_each_other_without_a_gap(events: Events, publishers: list[str]) -> None:
    for number in range(20):
        publisher = publishers[number % 2 % len(publishers)]
        await events.add([an_event(f"{publisher}-{number}", publisher=publisher)])

    seen: list[str] = []
    after: datetime | None = None
    while page := await events.read(publishers, after=after, limit=3):
        assert len(page) <= 3
        seen += [event.content.id for event in page]
        after = page[-1].created_at

    assert [one.partition("-")[2] for one in seen] == [str(number) for number in range(20)]


async def test_a_page_can_be_narrowed(events: Events) -> None:
    await events.add(
        [
            an_event("ACME-1", category="COURSE"),
            an_event("BETA-2", publisher="BETA", category="WORK"),
            an_event("ACME-3", event_type=EventType.AI_REOPENED),
            an_event("GAMMA-4", publisher="GAMMA", category="COURSE"),
        ]
    )
    first, second, third = await events.read(["ACME", "BETA"], limit=10)

    assert await ids(events, category="COURSE") == ["ACME-1"]
    assert await ids(events, event_type=EventType.AI_REOPENED) == ["ACME-3"]
    assert await ids(events, after=first.created_at) == ["BETA-2", "ACME-3"]
    assert await ids(events, until=second.created_at) == ["ACME-1", "BETA-2"]
    assert await ids(events, after=first.created_at, until=second.created_at) == ["BETA-2"]
    assert third.content.category is None


async def test_more_publishers_than_a_query_takes_are_read(
    events: Events, programs: Programs
) -> None:
    many = [f"P{number}" for number in range(450)]
    for program in many[::90]:
        await programs.create(program, program, by="test")
        await events.add([an_event(f"{program}-1", publisher=program)])

    found = await events.read(many, limit=3)

    assert [event.content.id for event in found] == ["P0-1", "P90-1", "P180-1"]


async def test_an_event_is_deleted_once_and_that_is_noted(events: Events, audit: Audit) -> None:
    event_id = "ACME-" + "x" * 149
    await events.add([an_event(event_id)])

    await events.delete(event_id, by="ann")

    assert await events.find(event_id) is None
    with pytest.raises(UnknownEvent):
        await events.delete(event_id, by="ann")
    (entry,) = (await audit.list(kind="event")).items
    assert (entry.subject, entry.action, entry.program_id) == (event_id, "deleted", "ACME")


async def test_a_moment_is_not_given_twice_though_its_event_is_gone(events: Events) -> None:
    await events.add([an_event("ACME-1")])
    before = await events.latest()
    await events.delete("ACME-1", by="ann")

    await events.add([an_event("ACME-1")])

    (event,) = await events.read(["ACME"], limit=10)
    assert before is not None
    assert event.created_at > before
