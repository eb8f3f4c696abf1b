"""Conversions in SQL: their cursor, what waits after it, and what was set aside."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.errors import LeaseLost, UnknownConversion, UnknownProgram
from hub.events.event import EventType
from hub.registry.clearing_house.conversion_steps import ConversionSteps, Step
from hub.registry.clearing_house.event_completions import Conversion, EventCompletions, Failure
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, SqlLeases
from hub.registry.trust.audit import Audit
from tests.hub.registry.clearing_house.publishing import publish
from tests.hub.registry.moved_clock import MovedClock

TTL = timedelta(seconds=10)
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BOUNDS = {"most_events": 100, "most_characters": 1000}


@pytest.fixture
async def conversions(
    database: Database, clock: MovedClock, programs: Programs
) -> EventCompletions:
    for program in ("ACME", "OTHER"):
        await programs.create(program, program.title(), by="test")
    return EventCompletions(database, clock)


@pytest.fixture
def steps(database: Database) -> ConversionSteps:
    return ConversionSteps(database)


@pytest.fixture
async def lease(database: Database, clock: MovedClock) -> SqlLease:
    taken = await SqlLeases(database, clock).take("conversion/ACME", TTL, holder="test")
    assert taken is not None
    return taken


def a_failure(conversion: Conversion, event_id: str, *, after: int = 1) -> Failure:
    at = conversion.through + timedelta(microseconds=after)
    return Failure(event_id, at, "/learner must have an email or an ssoId", at)


async def set_aside(
    steps: ConversionSteps, lease: SqlLease, conversion: Conversion, *event_ids: str
) -> None:
    failures = [a_failure(conversion, one, after=n) for n, one in enumerate(event_ids, 1)]
    assert await steps.record(lease, conversion, Step(conversion.through, failures))


async def test_a_first_template_converts_what_comes_from_then_on(
    conversions: EventCompletions, steps: ConversionSteps, database: Database
) -> None:
    await publish(database, "ACME-1", "ACME-2")

    conversion = await conversions.save("ACME", "{}", by="ann")
    before = await steps.due()
    later = await publish(database, "ACME-3")

    assert before == []
    assert await steps.due() == ["ACME"]
    assert await steps.reach(conversion, **BOUNDS) == later[-1]
    assert (await conversions.counts(conversion)).waiting == 1


async def test_before_the_first_event_no_clock_counts(
    conversions: EventCompletions, steps: ConversionSteps, database: Database, clock: MovedClock
) -> None:
    clock.move(seconds=3600)

    await conversions.save("ACME", "{}", by="ann")
    clock.move(seconds=-3600)
    await publish(database, "ACME-1")

    assert await steps.due() == ["ACME"]


async def test_a_later_template_goes_on_where_it_stands_unless_told_otherwise(
    conversions: EventCompletions, database: Database
) -> None:
    await publish(database, "ACME-1")
    first = await conversions.save("ACME", "{}", by="ann")
    await publish(database, "ACME-2")

    kept = await conversions.save("ACME", '{"verb": 1}', by="ann")
    rewound = await conversions.save("ACME", '{"verb": 1}', since=LONG_AGO, by="ann")

    assert (kept.through, kept.revision, kept.template) == (first.through, 2, '{"verb": 1}')
    assert (rewound.through, rewound.revision) == (LONG_AGO, 3)
    assert await conversions.find("ACME") == rewound
    assert (await conversions.counts(rewound)).waiting == 2


async def test_two_who_save_the_first_template_at_once_both_do(
    conversions: EventCompletions,
) -> None:
    # Once around beforehand, so that the connections are there and nobody waits for one.
    await asyncio.gather(*(conversions.save("OTHER", "{}", by="ann") for _ in range(8)))

    for _ in range(10):
        saved = await asyncio.gather(*(conversions.save("ACME", "{}", by="ann") for _ in range(8)))
        assert sorted(one.revision for one in saved) == list(range(1, 9))
        await conversions.delete("ACME", by="ann")


async def test_saving_and_deleting_leave_a_trace(
    conversions: EventCompletions, audit: Audit
) -> None:
    await conversions.save("ACME", "{}", by="ann")
    await conversions.save("ACME", "{ }", by="bob")
    await conversions.delete("ACME", by="eve")

    entries = (await audit.list(kind="event_completions", program_id="ACME")).items
    assert [(one.by, one.action) for one in entries] == [
        ("eve", "deleted"),
        ("bob", "changed"),
        ("ann", "created"),
    ]
    assert entries[1].changes["template"] == {"before": "{}", "after": "{ }"}


async def test_what_is_not_there_is_said(conversions: EventCompletions) -> None:
    with pytest.raises(UnknownProgram, match="NONE"):
        await conversions.save("NONE", "{}", by="ann")
    with pytest.raises(UnknownConversion, match="ACME"):
        await conversions.delete("ACME", by="ann")

    assert await conversions.find("ACME") is None


async def test_the_cursor_passes_what_is_not_converted_and_what_others_publish(
    conversions: EventCompletions, steps: ConversionSteps, database: Database
) -> None:
    conversion = await conversions.save("ACME", "{}", by="ann")
    (first,) = await publish(database, "ACME-1")
    await publish(database, "ACME-2", event_type=EventType.AI_STARTED)
    latest = await publish(database, "OTHER-1", program="OTHER")

    assert await steps.reach(conversion, **BOUNDS) == latest[-1]
    assert await steps.reach(conversion, most_events=1, most_characters=9) == first
    assert (await conversions.counts(conversion)).waiting == 1


async def test_the_reach_is_bounded_in_number_and_past_the_first_event_in_size(
    conversions: EventCompletions, steps: ConversionSteps, database: Database
) -> None:
    conversion = await conversions.save("ACME", "{}", by="ann")
    moments = await publish(database, *(f"ACME-{n}" for n in range(5)), data=f'"{"x" * 98}"')

    async def reach(most_events: int, most_characters: int) -> int:
        return moments.index(
            await steps.reach(conversion, most_events=most_events, most_characters=most_characters)
        )

    assert await reach(3, 1000) == 2
    assert await reach(10, 250) == 1
    assert await reach(10, 50) == 0
    assert await reach(5, 500) == 4
    assert await reach(10, 500) == 4


async def test_a_cursor_that_was_set_ahead_is_never_moved_back(
    conversions: EventCompletions, steps: ConversionSteps, database: Database
) -> None:
    await publish(database, "ACME-1")
    ahead = datetime(2100, 1, 1, tzinfo=UTC)

    conversion = await conversions.save("ACME", "{}", since=ahead, by="ann")

    assert await steps.reach(conversion, **BOUNDS) == ahead
    assert await steps.due() == []


async def test_a_step_moves_the_cursor_and_sets_failures_aside(
    conversions: EventCompletions, steps: ConversionSteps, database: Database, lease: SqlLease
) -> None:
    conversion = await conversions.save("ACME", "{}", by="ann")
    moments = await publish(database, "ACME-1", "ACME-2")
    failure = replace(a_failure(conversion, "ACME-2"), event_created_at=moments[1])

    recorded = await steps.record(lease, conversion, Step(moments[1], [failure], ["ACME-1"]))

    moved = await conversions.find("ACME")
    assert recorded
    assert moved is not None
    assert moved.through == moments[1]
    assert await steps.due() == []
    assert (await conversions.failures("ACME")).items == (failure,)
    assert (await conversions.counts(moved)).failures == 1


async def test_failures_are_due_again_at_a_later_revision_and_go_when_done(
    conversions: EventCompletions, steps: ConversionSteps, database: Database, lease: SqlLease
) -> None:
    await publish(database, "ACME-1", "ACME-2", "ACME-3")
    conversion = await conversions.save("ACME", "{}", by="ann")
    await set_aside(steps, lease, conversion, "ACME-1", "ACME-2", "ACME-3")
    assert await steps.to_try_again(conversion, limit=10) == []

    saved = await conversions.save("ACME", "{ }", by="ann")
    due = await steps.due()
    again = [one.event_id for one in await steps.to_try_again(saved, limit=2)]
    still = a_failure(saved, "ACME-2", after=2)
    assert await steps.record(lease, saved, Step(saved.through, [still], ["ACME-1"]))

    assert due == ["ACME"]
    assert again == ["ACME-1", "ACME-2"]
    assert [one.event_id for one in await steps.to_try_again(saved, limit=9)] == ["ACME-3"]
    left = (await conversions.failures("ACME")).items
    assert [one.event_id for one in left] == ["ACME-3", "ACME-2"]


async def test_failures_are_paged_newest_first_without_deleted_events(
    conversions: EventCompletions, steps: ConversionSteps, database: Database, lease: SqlLease
) -> None:
    await publish(database, "ACME-1", "ACME-2", "ACME-3")
    conversion = await conversions.save("ACME", "{}", by="ann")
    await set_aside(steps, lease, conversion, "ACME-1", "ACME-2", "ACME-3", "ACME-gone")

    first = await conversions.failures("ACME", limit=2)
    second = await conversions.failures("ACME", limit=2, cursor=first.next)

    assert [one.event_id for one in first.items] == ["ACME-3", "ACME-2"]
    assert [one.event_id for one in second.items] == ["ACME-1"]
    assert second.next is None
    assert (await conversions.counts(conversion)).failures == 3


async def deleted(conversions: EventCompletions) -> None:
    await conversions.delete("ACME", by="ann")


async def rewound(conversions: EventCompletions) -> None:
    await conversions.save("ACME", "{}", since=LONG_AGO, by="ann")


async def made_anew(conversions: EventCompletions) -> None:
    await conversions.delete("ACME", by="ann")
    await conversions.save("ACME", "{}", since=BEFORE_ALL, by="ann")


@pytest.mark.parametrize("change", [deleted, rewound, made_anew], ids=lambda one: one.__name__)
async def test_a_step_that_was_overtaken_by_hand_writes_nothing(
    conversions: EventCompletions,
    steps: ConversionSteps,
    database: Database,
    lease: SqlLease,
    change: Callable[[EventCompletions], Awaitable[None]],
) -> None:
    await conversions.save("ACME", "{}", by="ann")
    conversion = await conversions.save("ACME", "{}", by="ann")
    (moment,) = await publish(database, "ACME-1")

    await change(conversions)
    after = await conversions.find("ACME")
    recorded = await steps.record(
        lease, conversion, Step(moment, [a_failure(conversion, "ACME-1")])
    )

    assert not recorded
    assert await conversions.find("ACME") == after
    assert (await conversions.failures("ACME")).items == ()


async def test_a_new_template_hinders_no_step_and_tries_its_failures_again(
    conversions: EventCompletions, steps: ConversionSteps, database: Database, lease: SqlLease
) -> None:
    conversion = await conversions.save("ACME", "{}", by="ann")
    (moment,) = await publish(database, "ACME-1")

    saved = await conversions.save("ACME", "{ }", by="ann")
    recorded = await steps.record(
        lease, conversion, Step(moment, [a_failure(conversion, "ACME-1")])
    )

    assert recorded
    assert [one.event_id for one in await steps.to_try_again(saved, limit=9)] == ["ACME-1"]


async def test_a_step_under_a_lost_lease_writes_nothing(
    conversions: EventCompletions,
    steps: ConversionSteps,
    database: Database,
    lease: SqlLease,
    clock: MovedClock,
) -> None:
    conversion = await conversions.save("ACME", "{}", by="ann")
    (moment,) = await publish(database, "ACME-1")

    clock.move(seconds=11)
    assert await SqlLeases(database, clock).take("conversion/ACME", TTL, holder="other")
    with pytest.raises(LeaseLost):
        await steps.record(lease, conversion, Step(moment))

    assert await conversions.find("ACME") == conversion


async def test_the_newest_events_that_would_be_converted_are_found(
    conversions: EventCompletions, database: Database
) -> None:
    await publish(database, "ACME-1", "ACME-2", "ACME-3")
    await publish(database, "ACME-4", event_type=EventType.LPI_STARTED)
    await publish(database, "OTHER-1", program="OTHER")

    assert await conversions.newest("ACME", limit=2) == ["ACME-3", "ACME-2"]
