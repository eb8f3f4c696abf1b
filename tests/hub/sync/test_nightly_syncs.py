"""Nights: run once however many workers there are, and again when they did not go through."""

import asyncio
from datetime import datetime, time, timedelta

import pytest

from hub.nightly import Nightly
from hub.registry.clearing_house.syncs import SyncState, Trigger
from hub.registry.parties.programs import ProgramChanges
from hub.sync.lease import LEASE
from hub.sync.telling import WHOLE_RUN
from tests.fakes.fuses import Fuse, FusedDatabase, Killed
from tests.hub.sync.trouble import FusedLearningBuilder
from tests.hub.sync.world import PROGRAM, World

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


@pytest.fixture
async def night(world: World) -> datetime:
    """Let ACME be synced at 02:30, make it be that time, and give the moment."""
    program = await world.programs.change(
        PROGRAM, ProgramChanges(nightly=Nightly(time(2, 30), "Europe/Berlin")), by="test"
    )
    assert program.next_sync_at is not None
    world.clock.now = program.next_sync_at
    return program.next_sync_at


async def next_sync(world: World) -> datetime | None:
    program = await world.programs.find(PROGRAM)
    assert program is not None
    return program.next_sync_at


async def test_a_night_is_run_when_it_is_due_and_not_again(world: World, night: datetime) -> None:
    numbers = await world.publish("ONE", "COURSE")

    for _ in range(3):
        await world.nightly().run_due()

    (sync,) = (await world.syncs.list(PROGRAM)).items
    assert (sync.trigger, sync.by, sync.state) == (Trigger.NIGHTLY, "nightly", SyncState.SUCCEEDED)
    assert world.numbers() == numbers
    assert await next_sync(world) == night + DAY


async def test_it_is_not_run_before_its_time(world: World, night: datetime) -> None:
    world.clock.move(seconds=-1)

    await world.nightly().run_due()

    assert (await world.syncs.list(PROGRAM)).items == ()


async def test_many_workers_run_it_once(world: World, night: datetime) -> None:
    numbers = await world.publish("ONE", *["COURSE"] * 7)

    await asyncio.gather(*(world.nightly().run_due() for _ in range(5)))

    assert len((await world.syncs.list(PROGRAM)).items) == 1
    assert world.numbers() == numbers


async def test_nights_that_were_missed_are_one(world: World, night: datetime) -> None:
    world.clock.move(days=5, hours=3)

    await world.nightly().run_due()
    await world.nightly().run_due()

    assert len((await world.syncs.list(PROGRAM)).items) == 1
    assert await next_sync(world) == night + 6 * DAY


@pytest.mark.parametrize("wish", [500, "silent", 429, "apply_then_reset"])
async def test_a_night_without_learning_builder_is_tried_again(
    world: World, night: datetime, wish: object
) -> None:
    numbers = await world.publish("ONE", "COURSE")
    world.sandbox.change({"batches": wish})
    await world.nightly().run_due()
    soon = await next_sync(world)
    world.sandbox.change({"batches": "ok"})
    await world.nightly().run_due()
    before = len((await world.syncs.list(PROGRAM)).items)
    world.clock.now = night + QUARTER

    await world.nightly().run_due()

    assert (soon, before) == (night + QUARTER, 1)
    assert len((await world.syncs.list(PROGRAM)).items) == 2
    assert set(world.numbers()) == set(numbers)
    assert await next_sync(world) == night + DAY


async def test_a_refusal_waits_for_the_next_night(world: World, night: datetime) -> None:
    await world.publish("ONE", "COURSE")
    world.sandbox.change({"batches": 400})

    await world.nightly().run_due()

    assert await next_sync(world) == night + DAY
    assert list(world.notes.kept) == ["ONE"]


async def test_a_program_without_a_learning_builder_is_told_and_waits(
    world: World, night: datetime
) -> None:
    await world.programs.change(PROGRAM, {"lb_api_url": None}, by="test")

    await world.nightly().run_due()

    assert await next_sync(world) == night + DAY
    assert world.notes.kept[WHOLE_RUN].endswith("it has no LbApiUrl")


async def test_a_night_waits_for_a_sync_that_somebody_called(world: World, night: datetime) -> None:
    lease = await world.leases.take(f"sync/{PROGRAM}", LEASE, holder="another")
    assert lease is not None
    await world.nightly().run_due()
    waited = await next_sync(world)
    await world.leases.release(lease)

    await world.nightly().run_due()

    assert waited == night
    assert len((await world.syncs.list(PROGRAM)).items) == 1


@pytest.mark.parametrize("step", range(1, 40, 3))
async def test_a_night_whose_worker_died_is_taken_up_by_another(
    world: World, night: datetime, sqlite_url: str, step: int
) -> None:
    numbers = await world.publish("ONE", "COURSE", "WORK")
    fuse = Fuse(at=step)
    doomed = FusedDatabase(sqlite_url, fuse)
    dying = World(doomed, world.clock, world.sandbox, world.client)
    dying.learning_builder = FusedLearningBuilder(world.client, fuse)
    try:
        await dying.nightly().run_due()
    except Killed:
        world.clock.move(minutes=1, seconds=1)
    finally:
        await doomed.close()

    await world.nightly().run_due()

    assert set(world.numbers()) == set(numbers)
    assert await next_sync(world) == night + DAY
    running = [
        one for one in (await world.syncs.list(PROGRAM)).items if one.state is SyncState.RUNNING
    ]
    assert running == []


async def test_one_programs_trouble_keeps_no_other_from_its_night(
    world: World, night: datetime
) -> None:
    await world.programs.create(
        "AAA", "First", lb_api_url="https://lb.example", lb_api_key="k", by="test"
    )
    await world.programs.change(
        "AAA", ProgramChanges(nightly=Nightly(time(2, 30), "Europe/Berlin")), by="test"
    )
    world.clock.move(days=1)
    numbers = await world.publish("ONE", "COURSE")

    async def run(order):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if order.program_id == "AAA":
            raise ValueError("a bug")
        return await world.synchronizer().run(order)

    await world.nightly(run).run_due()

    assert world.numbers() == numbers
