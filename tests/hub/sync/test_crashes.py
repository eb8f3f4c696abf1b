"""A process that dies at any step of a sync loses no row, and repeats none unnoticed.

The process dies before or after each transaction, and before or after each batch that is posted.
The next sync, in another process, begins when the lease has lapsed.
"""

import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from pathlib import Path

import httpx
import pytest

from config.sandbox.imports import Imports
from config.sandbox.in_process import InProcess
from config.sandbox.state import Sandbox
from hub.registry.clearing_house.sync_batches import Batch
from hub.registry.clearing_house.syncs import SyncState, Trigger
from hub.registry.sql.database import Database
from hub.sync.lease import LEASE
from hub.sync.synchronizer import Order
from tests.fakes.clock import FakeClock
from tests.fakes.fuses import Fuse, FusedDatabase, Killed
from tests.hub.sync.trouble import FusedLearningBuilder
from tests.hub.sync.world import PROGRAM, TEMPLATE, World

Scene = Callable[[World], Awaitable[None]]
MOST_STEPS = 500


async def plain(world: World) -> None:
    """Publish for two publishers: some batches each, some events that are ignored."""
    await world.publish("ONE", *["COURSE", "WORK", "OTHER"] * 4)
    await world.publish("TWO", "COURSE", "OTHER", "EXAM")


async def after_an_unknown_batch(world: World) -> None:
    """Leave a batch that may have been applied, another accepted beyond it, and new events."""
    await world.publish("ONE", "COURSE", "WORK", "COURSE")
    world.sandbox.change({"batches": {"mode": "apply_then_503", "times": 1}})
    await world.sync()
    await world.publish("ONE", "COURSE", "WORK")


async def after_a_refusal(world: World) -> None:
    """Leave a batch that was refused, and others that were accepted beyond it."""
    await world.publish("ONE", *["COURSE"] * 7, "WORK")
    world.sandbox.change({"refuseBatches": [2]})
    await world.sync()
    world.sandbox.change({"refuseBatches": []})
    await world.publish("ONE", "WORK", "EXAM")


@pytest.mark.slow
@pytest.mark.parametrize("scene", [plain, after_an_unknown_batch, after_a_refusal])
async def test_a_death_at_any_step_loses_nothing(
    scene: Scene, migrated: Path, tmp_path: Path
) -> None:
    before = shutil.copy(migrated, tmp_path / "before.db")
    clock = FakeClock()
    sandbox = Sandbox(clock)
    async with _open(f"sqlite:///{before}", clock, sandbox) as world:
        await world.settle_in({"ONE": TEMPLATE, "TWO": TEMPLATE})
        await scene(world)

    deaths = 0
    while await _dies_and_goes_on(Path(before), clock, deepcopy(sandbox.imports), deaths + 1):
        deaths += 1
        assert deaths < MOST_STEPS
    assert deaths > 20


async def _dies_and_goes_on(before: Path, clock: FakeClock, imports: Imports, step: int) -> bool:
    """Let the process die at this step, and sync again; False if there is no such step."""
    url = f"sqlite:///{shutil.copy(before, before.with_name(f'{step}.db'))}"
    sandbox, fuse = Sandbox(clock), Fuse(at=step)
    sandbox.imports = imports
    async with _open(url, clock, sandbox) as world:
        doomed = FusedDatabase(url, fuse)
        dying = World(doomed, clock, sandbox, world.client)
        door = FusedLearningBuilder(world.client, fuse)
        with suppress(Killed):
            await dying.synchronizer(door).run(Order(PROGRAM, Trigger.CALL, "test"))
        await doomed.close()
        clock.move(seconds=LEASE.total_seconds() + 1)
        await _check(world)
    return fuse.is_blown


@asynccontextmanager
async def _open(url: str, clock: FakeClock, sandbox: Sandbox) -> AsyncIterator[World]:
    database = Database(url)
    async with httpx.AsyncClient(transport=InProcess(sandbox)) as client:
        yield World(database, clock, sandbox, client)
    await database.close()


async def _check(world: World) -> None:
    report = await world.sync()

    assert report.sync.state is SyncState.SUCCEEDED, report.failures
    assert set(world.numbers()) == await _wanted(world)
    # What came twice came under one name, and the runs say that it was repeated.
    repeated = {batch.file_name for batch in await _batches(world) if batch.repeated}
    names: dict[int, set[str]] = defaultdict(set)
    for row in world.rows():
        names[row.n].add(row.file_name)
    for n in world.twice():
        assert len(names[n]) == 1
        assert names[n] <= repeated
    for publisher in ("ONE", "TWO"):
        assert await world.cursor(publisher) == report.sync.until
        assert not await world.batches.doubtful(PROGRAM, publisher)
        assert not len(await world.batches.accepted_beyond(PROGRAM, publisher, None))
    states = [sync.state for sync in (await world.syncs.list(PROGRAM)).items]
    assert SyncState.RUNNING not in states


async def _wanted(world: World) -> set[int]:
    events = await world.events.read(["ONE", "TWO"], limit=1000)
    return {
        int(event.content.id.partition("-")[2])
        for event in events
        if event.content.category and event.content.category.value != "OTHER"
    }


async def _batches(world: World) -> Sequence[Batch]:
    syncs = (await world.syncs.list(PROGRAM)).items
    return [batch for sync in syncs for batch in await world.batches.of_sync(sync.id)]
