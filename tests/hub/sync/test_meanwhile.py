"""What happens while a sync runs: another sync, a hand on the cursor, a store that is away."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from hub.errors import RegistryUnavailable, SyncRunning
from hub.registry.clearing_house.sync_batches import BatchAnswer, SyncBatches
from hub.registry.clearing_house.sync_cursors import Reading
from hub.registry.clearing_house.syncs import SyncState, Trigger
from hub.registry.sql.leases import SqlLease
from hub.registry.sql.tables import LeaseRow
from hub.sync.learning_builder import Account, LearningBuilder
from hub.sync.lease import LEASE
from hub.sync.report import FailureKind, SyncReport
from hub.sync.running import Running
from hub.sync.synchronizer import Order
from tests.hub.sync.trouble import Meanwhile
from tests.hub.sync.world import PROGRAM, World
from tests.waiting import until

ORDER = Order(PROGRAM, Trigger.CALL, "test")


class Stalling(LearningBuilder):
    """A LearningBuilder that answers only when it is told to."""

    def __init__(self, world: World) -> None:
        super().__init__(world.client, within=timedelta(seconds=5))
        self.reached = asyncio.Event()
        self.wake = asyncio.Event()

    async def create_batch(
        self, account: Account, *, import_process_id: str, file_name: str, rows: Sequence[str]
    ) -> BatchAnswer:
        answer = await super().create_batch(
            account, import_process_id=import_process_id, file_name=file_name, rows=rows
        )
        self.reached.set()
        await self.wake.wait()
        return answer


async def test_two_syncs_at_once_are_one(world: World) -> None:
    numbers = await world.publish("ONE", *["COURSE"] * 12)

    ended = await asyncio.gather(
        *(world.synchronizer().run(ORDER) for _ in range(4)), return_exceptions=True
    )

    assert sum(isinstance(one, SyncReport) for one in ended) == 1
    assert sum(isinstance(one, SyncRunning) for one in ended) == 3
    assert world.numbers() == numbers


async def test_a_cursor_set_back_meanwhile_stays_where_it_was_set(world: World) -> None:
    old = await world.publish("ONE", "COURSE", "COURSE")
    await world.sync()
    new = await world.publish("ONE", *["COURSE"] * 7)
    others = await world.publish("TWO", "COURSE")
    back = await world.moment("ONE", old[0])
    world.renderer = Meanwhile(world.renderer, lambda: world.change("ONE", last_sync_at=back))

    report = await world.sync()

    assert await world.cursor("ONE") == back
    assert [(one.kind, one.publisher) for one in report.failures] == [(FailureKind.CHANGED, "ONE")]
    assert world.numbers() == old + others
    assert await world.cursor("TWO") == report.sync.until

    await world.sync()
    assert world.numbers() == [*old, *others, old[1], *new]


async def test_a_cursor_set_back_while_a_batch_is_on_its_way_is_not_moved(world: World) -> None:
    old = await world.publish("ONE", "COURSE", "COURSE")
    await world.sync()
    new = await world.publish("ONE", *["COURSE"] * 7)
    door = Stalling(world)
    running = asyncio.create_task(world.synchronizer(door).run(ORDER))
    await door.reached.wait()
    back = await world.moment("ONE", old[0])
    await world.change("ONE", last_sync_at=back)
    door.wake.set()

    report = await running

    assert await world.cursor("ONE") == back
    assert [one.kind for one in report.failures] == [FailureKind.CHANGED]
    assert [one.state.value for one in report.batches] == ["accepted"]
    assert world.numbers() == old + new[:5]
    await world.sync()
    assert world.numbers() == [*old, *new[:5], old[1], *new]


async def test_a_run_that_lost_its_right_writes_nothing_more(world: World) -> None:
    await world.publish("ONE", "COURSE")
    door = Stalling(world)
    running = asyncio.create_task(world.synchronizer(door).run(ORDER))
    await door.reached.wait()
    world.clock.move(seconds=LEASE.total_seconds() + 1)

    second = await world.sync()
    door.wake.set()

    with pytest.raises(Exception, match="no longer held"):
        await running
    assert second.sync.state is SyncState.SUCCEEDED
    assert [one.repeated for one in second.batches] == [True]
    assert len({row.file_name for row in world.rows()}) == 1
    assert len(world.rows()) == 2
    states = {one.id: one.state for one in (await world.syncs.list(PROGRAM)).items}
    assert sorted(states.values()) == [SyncState.CUT_SHORT, SyncState.SUCCEEDED]


async def test_the_lease_is_renewed_while_a_run_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.sync.lease.RENEWALS", 3000)
    await world.publish("ONE", "COURSE")
    door = Stalling(world)
    running = asyncio.create_task(world.synchronizer(door).run(ORDER))
    await door.reached.wait()
    for _ in range(5):
        world.clock.move(seconds=LEASE.total_seconds() / 2)
        held_until = world.clock() + LEASE
        await until(lambda: _is_held(world, held_until), what="the renewal")  # noqa: B023

    with pytest.raises(SyncRunning):
        await world.sync()
    door.wake.set()

    assert (await running).sync.state is SyncState.SUCCEEDED


async def _is_held(world: World, until_then: datetime) -> bool:
    """Say whether the lease is held up to this moment."""
    query = select(LeaseRow.until).filter_by(name=f"sync/{PROGRAM}")
    async with world.database.read() as session:
        held_until = await session.scalar(query)
    return held_until is not None and held_until >= until_then


class Forgetful(SyncBatches):
    """Batches in a store that is away for the first answers."""

    def __init__(self, world: World, *, times: int) -> None:
        super().__init__(world.database, world.clock)
        self.left = times

    async def answer(
        self,
        lease: SqlLease,
        batch_id: int,
        reading: Reading,
        answer: BatchAnswer,
        *,
        cursor: datetime | None = None,
    ) -> bool:
        if self.left:
            self.left -= 1
            raise RegistryUnavailable("SQL is away")
        return await super().answer(lease, batch_id, reading, answer, cursor=cursor)


async def test_an_answer_is_written_down_though_the_store_was_away(world: World) -> None:
    await world.publish("ONE", "COURSE")
    world.batches = Forgetful(world, times=1)

    report = await world.sync()

    assert report.sync.state is SyncState.SUCCEEDED
    assert await world.cursor("ONE") == report.sync.until


async def test_an_answer_that_cannot_be_written_down_makes_the_batch_unknown(
    world: World,
) -> None:
    numbers = await world.publish("ONE", "COURSE")
    world.batches = Forgetful(world, times=2)

    with pytest.raises(RegistryUnavailable):
        await world.sync()
    (cut,) = (await world.syncs.list(PROGRAM)).items
    (batch,) = await world.batches.of_sync(cut.id)

    assert cut.state is SyncState.CUT_SHORT
    assert batch.state.value == "unknown"
    again = await world.sync()
    assert [one.repeated for one in again.batches] == [True]
    assert world.numbers() == numbers + numbers


async def test_a_run_outlives_its_caller(world: World) -> None:
    numbers = await world.publish("ONE", "COURSE")
    door = Stalling(world)
    running = Running(world.synchronizer(door))
    calling = asyncio.create_task(running.run(ORDER))
    await door.reached.wait()

    calling.cancel()
    await asyncio.wait({calling})
    door.wake.set()
    await running.finish()

    assert calling.cancelled()
    assert world.numbers() == numbers
    assert [one.state for one in (await world.syncs.list(PROGRAM)).items] == [SyncState.CUT_SHORT]
    assert await world.cursor("ONE") is not None


async def test_the_end_waits_for_the_batch_on_its_way_and_for_no_other(world: World) -> None:
    numbers = await world.publish("ONE", *["COURSE"] * 7)
    door = Stalling(world)
    running = Running(world.synchronizer(door))
    calling = asyncio.create_task(running.run(ORDER))
    await door.reached.wait()

    finishing = asyncio.create_task(running.finish())
    await asyncio.sleep(0)
    door.wake.set()
    await finishing

    report = await calling
    assert report.sync.state is SyncState.CUT_SHORT
    assert [one.kind for one in report.failures] == [FailureKind.CUT_SHORT]
    assert world.numbers() == numbers[:5]
    assert await world.cursor("ONE") == await world.moment("ONE", numbers[4])


async def test_a_batch_that_is_not_answered_by_the_end_is_unknown(world: World) -> None:
    numbers = await world.publish("ONE", "COURSE")
    door = Stalling(world)
    running = Running(world.synchronizer(door))
    calling = asyncio.create_task(running.run(ORDER))
    await door.reached.wait()

    await running.finish(within=timedelta(seconds=0.05))
    await asyncio.wait({calling})

    (cut,) = (await world.syncs.list(PROGRAM)).items
    assert cut.state is SyncState.CUT_SHORT
    assert [one.state.value for one in await world.batches.of_sync(cut.id)] == ["unknown"]
    # The lease was given back, so that nobody has to wait for it to lapse.
    report = await world.sync()
    assert [one.repeated for one in report.batches] == [True]
    assert world.numbers() == numbers + numbers
