"""A worker dies at any point, or is overtaken: each statement is made once, in effect."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from hub.errors import RegistryUnavailable
from tests.fakes.fuses import Fuse, FusedDatabase, FusedIntake
from tests.fakes.renderer import FakeRenderer
from tests.hub.conversion.trouble import FusedNotices, FusedRenderer, Stalling
from tests.hub.conversion.world import BAD, TEMPLATE, World
from tests.hub.registry.clearing_house.publishing import START

LAPSED = 11


class Killed(BaseException):
    """The process is gone: nothing more of it runs."""


async def run_with(world: World, sqlite_url: str, fuse: Fuse) -> None:
    """Let a worker run that meets the fuse somewhere; it must end as a process would."""
    database = FusedDatabase(sqlite_url, fuse)
    worker = world.worker(
        database=database,
        intake=FusedIntake(world.intake(), fuse),
        renderer=FusedRenderer(FakeRenderer(), fuse),
        notices=FusedNotices(world.mailbox, fuse),
    )
    try:
        await worker.run()
    except (Killed, RegistryUnavailable):
        assert fuse.is_blown
    finally:
        await database.close()


RAISED: dict[str, Callable[[], BaseException]] = {
    "killed": Killed,
    "sql away": lambda: RegistryUnavailable("away"),
}


@pytest.mark.parametrize("raised", RAISED.values(), ids=RAISED)
async def test_wherever_a_step_is_cut_off_it_is_repeated_without_a_trace(
    world: World, sqlite_url: str, raised: Callable[[], BaseException]
) -> None:
    good: list[str] = []
    bad: set[str] = set()
    point, blown = 0, True
    while blown:
        point += 1
        good += [f"ACME-{point}-a", f"ACME-{point}-c"]
        bad.add(f"ACME-{point}-b")
        await world.publish(f"ACME-{point}-a")
        await world.publish(f"ACME-{point}-b", data=BAD)
        await world.publish(f"ACME-{point}-c")
        fuse = Fuse(raised, at=point)

        await run_with(world, sqlite_url, fuse)
        world.clock.move(seconds=LAPSED)
        await world.worker("worker-2").run()

        blown = fuse.is_blown
        assert await world.queued(world.lms) == await world.ids(world.lms, *good), point
        assert await world.queued(world.sso) == await world.ids(world.sso, *good), point
        assert (await world.failures()).keys() == bad, point
        assert await world.conversions.find("ACME") is not None
    # Lease, cursor, reach, events, integrations and providers, two intakes, the record, release.
    assert point > 30


@pytest.mark.parametrize("raised", RAISED.values(), ids=RAISED)
async def test_wherever_trying_again_is_cut_off_it_is_repeated_without_a_trace(
    world: World, sqlite_url: str, raised: Callable[[], BaseException]
) -> None:
    good: list[str] = []
    fixed = TEMPLATE.replace("{{email}}", "ann@acme.example").replace("{{sso}}", "ann")
    point, blown = 0, True
    while blown:
        point += 1
        good += [f"ACME-{point}-a", f"ACME-{point}-b"]
        await world.save(TEMPLATE)
        await world.publish(*good[-2:], data=BAD)
        await world.worker().run()
        assert len(await world.failures()) == 2
        await world.save(fixed)
        fuse = Fuse(raised, at=point)

        await run_with(world, sqlite_url, fuse)
        world.clock.move(seconds=LAPSED)
        await world.worker("worker-2").run()

        blown = fuse.is_blown
        assert await world.queued(world.lms) == await world.ids(world.lms, *good), point
        assert await world.queued(world.sso) == await world.ids(world.sso, *good), point
        assert await world.rows_of_failures() == 0, point
    assert point > 30


@pytest.fixture
async def stalled(world: World) -> AsyncIterator[tuple[Stalling, "asyncio.Task[None]"]]:
    """Have a worker that took ACME-1 in, and does not get on; ACME-0 lies behind the cursor."""
    await world.publish("ACME-0")
    await world.conversions.delete("ACME", by="test")
    await world.save(TEMPLATE)
    await world.publish("ACME-1")
    intake = Stalling(world.intake())
    running = asyncio.create_task(world.worker("worker-1", intake=intake).run())
    await intake.reached.wait()
    yield intake, running
    running.cancel()
    await asyncio.wait({running})


async def test_a_worker_at_work_is_left_to_it(
    world: World, stalled: tuple[Stalling, "asyncio.Task[None]"]
) -> None:
    intake, running = stalled
    before = await world.conversion()

    await world.worker("worker-2").run()
    between = await world.conversion()
    intake.wake.set()
    await running

    assert between == before
    assert await world.queued(world.sso) == await world.ids(world.sso, "ACME-1")
    assert (await world.conversion()).through > before.through


async def test_a_worker_that_was_overtaken_moves_nothing(
    world: World, stalled: tuple[Stalling, "asyncio.Task[None]"]
) -> None:
    intake, running = stalled
    world.clock.move(seconds=LAPSED)

    await world.worker("worker-2").run()
    await world.publish("ACME-2", data=BAD)
    await world.worker("worker-2").run()
    after, failures = await world.conversion(), await world.failures()
    intake.wake.set()
    await running

    assert await world.conversion() == after
    assert await world.failures() == failures
    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1")
    assert await world.queued(world.sso) == await world.ids(world.sso, "ACME-1")


async def test_a_cursor_that_is_set_back_during_a_step_stays_set_back_and_is_followed(
    world: World, stalled: tuple[Stalling, "asyncio.Task[None]"]
) -> None:
    intake, running = stalled

    await world.conversions.save("ACME", TEMPLATE, since=START, by="test")
    intake.wake.set()
    await running

    assert (await world.conversions.counts(await world.conversion())).waiting == 0
    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1", "ACME-0")
    assert await world.failures() == {}


async def test_a_template_that_is_changed_during_a_step_is_for_what_follows(
    world: World, stalled: tuple[Stalling, "asyncio.Task[None]"]
) -> None:
    intake, running = stalled

    await world.save(TEMPLATE.replace("{{course}}", "https://acme.example/courses/2"))
    intake.wake.set()
    await running

    assert await world.queued(world.lms) == await world.ids(world.lms, "ACME-1")
    assert await world.failures() == {}


async def test_a_conversion_that_is_deleted_during_a_step_stays_deleted(
    world: World, stalled: tuple[Stalling, "asyncio.Task[None]"]
) -> None:
    intake, running = stalled

    await world.conversions.delete("ACME", by="test")
    intake.wake.set()
    await running

    assert await world.conversions.find("ACME") is None
    assert await world.rows_of_failures() == 0
