"""Runs, batches, cursors and nights, on SQLite and PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import func, select

from hub.errors import BadCursor, LeaseLost
from hub.nightly import Nightly
from hub.registry.clearing_house.nights import RESUMED_AFTER, Nights, claimed_until
from hub.registry.clearing_house.subscriptions import Subscription, Subscriptions
from hub.registry.clearing_house.sync_batches import (
    BatchAnswer,
    BatchState,
    NewBatch,
    OpenBatch,
    SyncBatches,
)
from hub.registry.clearing_house.sync_cursors import Reading
from hub.registry.clearing_house.syncs import Sync, Syncs, SyncState, Trigger
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, SqlLeases
from hub.registry.sql.tables import SyncBatchRow
from tests.hub.registry.moved_clock import MovedClock

T = [datetime(2026, 11, 20, 7, 0, 0, n, tzinfo=UTC) for n in range(10)]
TTL = timedelta(seconds=30)
TAKEN = BatchAnswer(BatchState.ACCEPTED, "ok", 200, "q-1", "https://lb.example/q-1")
LOST = BatchAnswer(BatchState.UNKNOWN, "HTTP 500", 500)
REFUSED = BatchAnswer(BatchState.REFUSED, "HTTP 400", 400)


class Scene:
    """ACME, subscribed to PUB, with a run under way."""

    def __init__(self, database: Database, programs: Programs, clock: MovedClock) -> None:
        self.database = database
        self.programs = programs
        self.clock = clock
        self.leases = SqlLeases(database, clock)
        self.syncs = Syncs(database, clock)
        self.batches = SyncBatches(database, clock)
        self.subscriptions = Subscriptions(database, clock)
        self.nights = Nights(database, clock)
        self.lease: SqlLease
        self.sync: Sync

    async def start(self) -> None:
        for program in ("ACME", "PUB"):
            await self.programs.create(program, program, by="test")
        await self.subscribe()
        await self.begin()

    async def subscribe(self) -> None:
        await self.subscriptions.create("ACME", "PUB", sync_enabled=True, template="{}", by="test")

    async def begin(self) -> None:
        """Begin a run, also where another holds the right: its time is over."""
        self.clock.move(60)
        lease = await self.leases.take("sync/ACME", TTL, holder="test")
        assert lease is not None
        self.lease = lease
        sync = await self.syncs.begin(lease, "ACME", trigger=Trigger.CALL, by="ann", until=T[9])
        assert sync is not None
        self.sync = sync

    async def subscription(self) -> Subscription:
        found = await self.subscriptions.find("ACME", "PUB")
        assert found is not None
        return found

    async def reading(self) -> Reading:
        one = await self.subscription()
        return Reading("ACME", "PUB", one.created_at, one.revision)

    async def open(
        self,
        *moments: datetime,
        instead_of: OpenBatch | None = None,
        left: Sequence[datetime] = (),
    ) -> int:
        batch_id = await self.batches.open(
            self.lease,
            self.sync.id,
            await self.reading(),
            NewBatch("42", f"file {moments[0]}", moments, repeated=instead_of is not None),
            instead_of=instead_of,
            left=left,
            events=7,
            ignored=3,
        )
        assert batch_id is not None
        return batch_id

    async def answer(
        self, batch_id: int, answer: BatchAnswer, cursor: datetime | None = None
    ) -> bool:
        return await self.batches.answer(
            self.lease, batch_id, await self.reading(), answer, cursor=cursor
        )

    async def close(self, state: SyncState = SyncState.SUCCEEDED) -> Sync:
        return await self.syncs.close(
            self.lease, self.sync.id, state, events=9, ignored=4, errors=[{"kind": "refused"}]
        )

    async def states(self) -> list[BatchState]:
        return [one.state for one in await self.batches.of_sync(self.sync.id)]

    async def with_moments(self) -> int:
        """Count the batches whose moments are kept."""
        query = select(func.count()).where(SyncBatchRow.event_moments.is_not(None))
        async with self.database.read() as session:
            return await session.scalar(query) or 0

    async def beyond(self) -> list[datetime]:
        found = await self.batches.accepted_beyond(
            "ACME", "PUB", (await self.subscription()).last_sync_at
        )
        return [moment for moment in T if moment in found]


@pytest.fixture
async def scene(database: Database, programs: Programs, clock: MovedClock) -> Scene:
    scene = Scene(database, programs, clock)
    await scene.start()
    return scene


async def test_a_run_is_told_of_while_it_runs_and_when_it_is_closed(scene: Scene) -> None:
    await scene.open(T[1])
    running = await scene.syncs.find("ACME", scene.sync.id)
    scene.clock.move(5)
    closed = await scene.close(SyncState.FAILED)

    assert running is not None
    assert (running.state, running.until, running.by) == (SyncState.RUNNING, T[9], "ann")
    assert (running.events, running.ignored, running.ended_at) == (7, 3, None)
    assert closed == await scene.syncs.find("ACME", scene.sync.id)
    assert (closed.state, closed.ended_at) == (SyncState.FAILED, scene.clock.now)
    assert (closed.events, closed.ignored) == (9, 4)
    assert list(closed.errors) == [{"kind": "refused"}]
    assert await scene.syncs.find("PUB", scene.sync.id) is None


async def test_runs_are_listed_newest_first_page_by_page(scene: Scene) -> None:
    ids = [scene.sync.id]
    for _ in range(2):
        await scene.close()
        await scene.begin()
        ids.append(scene.sync.id)

    first = await scene.syncs.list("ACME", limit=2)
    rest = await scene.syncs.list("ACME", limit=2, cursor=first.next)

    assert [one.id for one in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next is None
    assert (await scene.syncs.list("PUB")).items == ()
    with pytest.raises(BadCursor):
        await scene.syncs.list("ACME", cursor="x")


async def test_an_accepted_batch_moves_the_cursor_and_lets_go_of_its_moments(
    scene: Scene,
) -> None:
    batch_id = await scene.open(T[1], T[2])

    assert await scene.answer(batch_id, TAKEN, cursor=T[2])

    assert (await scene.subscription()).last_sync_at == T[2]
    assert await scene.with_moments() == 0
    (batch,) = await scene.batches.of_sync(scene.sync.id)
    assert (batch.state, batch.status, batch.rows) == (BatchState.ACCEPTED, 200, 2)
    assert (batch.queue_batch_id, batch.queue_batch_details) == ("q-1", "https://lb.example/q-1")
    assert (batch.first_event_at, batch.last_event_at) == (T[1], T[2])


async def test_to_write_an_answer_down_twice_is_harmless(scene: Scene) -> None:
    batch_id = await scene.open(T[1], T[2])

    assert await scene.answer(batch_id, TAKEN, cursor=T[2])
    assert await scene.answer(batch_id, TAKEN, cursor=T[2])

    assert (await scene.subscription()).last_sync_at == T[2]
    assert await scene.states() == [BatchState.ACCEPTED]


async def test_what_is_accepted_beyond_the_cursor_is_remembered_until_it_is_passed(
    scene: Scene,
) -> None:
    first, second = await scene.open(T[1], T[5]), await scene.open(T[2], T[4])
    await scene.answer(first, LOST)
    await scene.answer(second, TAKEN)
    beyond = await scene.beyond()

    await scene.batches.settle(scene.lease, await scene.reading(), T[9])

    assert beyond == [T[2], T[4]]
    assert await scene.beyond() == []
    assert await scene.with_moments() == 0


async def test_a_cursor_never_goes_back(scene: Scene) -> None:
    await scene.batches.settle(scene.lease, await scene.reading(), T[5])

    assert await scene.batches.settle(scene.lease, await scene.reading(), T[3])

    assert (await scene.subscription()).last_sync_at == T[5]


@pytest.mark.parametrize(("answer", "doubtful"), [(LOST, 1), (REFUSED, 0), (TAKEN, 0)])
async def test_only_what_may_have_been_applied_is_doubtful(
    scene: Scene, answer: BatchAnswer, doubtful: int
) -> None:
    await scene.answer(await scene.open(T[1], T[2]), answer)

    found = await scene.batches.doubtful("ACME", "PUB")

    assert [one.moments for one in found] == [(T[1], T[2])] * doubtful


async def test_a_repeat_takes_the_place_of_what_it_repeats(scene: Scene) -> None:
    await scene.answer(await scene.open(T[1], T[2], T[3]), LOST)
    (old,) = await scene.batches.doubtful("ACME", "PUB")

    await scene.answer(await scene.open(T[1], T[2], instead_of=old, left=[T[3]]), LOST)

    found = await scene.batches.doubtful("ACME", "PUB")
    assert [one.moments for one in found] == [(T[3],), (T[1], T[2])]
    assert [one.repeated for one in await scene.batches.of_sync(scene.sync.id)] == [False, True]


async def test_the_next_run_closes_one_that_died_and_what_it_was_sending(scene: Scene) -> None:
    await scene.open(T[1])
    died = scene.sync.id

    await scene.begin()

    closed = await scene.syncs.find("ACME", died)
    assert closed is not None
    assert closed.state is SyncState.CUT_SHORT
    assert closed.ended_at == scene.clock.now
    assert [error["kind"] for error in closed.errors if isinstance(error, dict)] == ["cut_short"]
    (batch,) = await scene.batches.of_sync(died)
    assert batch.state is BatchState.UNKNOWN
    assert len(await scene.batches.doubtful("ACME", "PUB")) == 1


async def test_a_run_that_is_closed_leaves_no_batch_unanswered(scene: Scene) -> None:
    await scene.open(T[1])

    await scene.close(SyncState.CUT_SHORT)

    assert await scene.states() == [BatchState.UNKNOWN]


async def test_without_its_lease_a_run_writes_nothing(scene: Scene) -> None:
    batch_id, reading = await scene.open(T[1]), await scene.reading()
    lost, sync = scene.lease, scene.sync
    await scene.begin()
    batch = NewBatch("42", "file", [T[2]], repeated=False)

    with pytest.raises(LeaseLost):
        await scene.batches.open(lost, sync.id, reading, batch)
    with pytest.raises(LeaseLost):
        await scene.batches.answer(lost, batch_id, reading, TAKEN, cursor=T[1])
    with pytest.raises(LeaseLost):
        await scene.batches.settle(lost, reading, T[1])
    with pytest.raises(LeaseLost):
        await scene.syncs.begin(lost, "ACME", trigger=Trigger.CALL, by="ann", until=None)
    with pytest.raises(LeaseLost):
        await scene.syncs.close(lost, sync.id, SyncState.SUCCEEDED, events=0, ignored=0, errors=[])

    assert (await scene.subscription()).last_sync_at is None
    assert [one.state for one in await scene.batches.of_sync(sync.id)] == [BatchState.UNKNOWN]


async def test_a_cursor_set_by_hand_is_not_overwritten(scene: Scene) -> None:
    await scene.batches.settle(scene.lease, await scene.reading(), T[3])
    reading, batch_id = await scene.reading(), await scene.open(T[4])
    await scene.subscriptions.change("ACME", "PUB", {"last_sync_at": T[0]}, by="ann")

    ours = await scene.batches.answer(scene.lease, batch_id, reading, TAKEN, cursor=T[4])
    settled = await scene.batches.settle(scene.lease, reading, T[9])
    opened = await scene.batches.open(
        scene.lease, scene.sync.id, reading, NewBatch("42", "file", [T[5]], repeated=False)
    )

    assert (ours, settled, opened) == (False, False, None)
    assert (await scene.subscription()).last_sync_at == T[0]
    assert await scene.states() == [BatchState.ACCEPTED]
    # It is to be sent again, so nothing remembers that it was accepted.
    assert await scene.beyond() == []


async def test_a_subscription_made_anew_is_another_one(scene: Scene) -> None:
    reading, batch_id = await scene.reading(), await scene.open(T[4])
    await scene.subscriptions.delete("ACME", "PUB", by="ann")
    scene.clock.move(1)
    await scene.subscribe()

    assert not await scene.batches.answer(scene.lease, batch_id, reading, TAKEN, cursor=T[4])

    assert (await scene.subscription()).last_sync_at is None
    assert await scene.beyond() == []


@pytest.mark.parametrize(
    ("before", "after", "beyond", "doubtful"),
    [
        # What was accepted is T[2] and T[6]; what is doubtful is T[3] and T[7].
        (T[1], T[0], [], []),
        (T[1], None, [], []),
        (None, None, [T[2], T[6]], [T[3], T[7]]),
        (None, T[4], [T[6]], [T[7]]),
        (T[1], T[4], [T[6]], [T[7]]),
        (T[1], T[9], [], []),
    ],
)
async def test_what_a_hand_that_sets_the_cursor_does_to_batches(
    scene: Scene,
    before: datetime | None,
    after: datetime | None,
    beyond: list[datetime],
    doubtful: list[datetime],
) -> None:
    if before is not None:
        await scene.batches.settle(scene.lease, await scene.reading(), before)
    for moment, answer in ((T[2], TAKEN), (T[3], LOST), (T[6], TAKEN), (T[7], LOST)):
        await scene.answer(await scene.open(moment), answer)

    await scene.subscriptions.change("ACME", "PUB", {"last_sync_at": after}, by="ann")

    assert (await scene.subscription()).last_sync_at == after
    assert await scene.beyond() == beyond
    found = await scene.batches.doubtful("ACME", "PUB")
    assert [moment for one in found for moment in one.moments] == doubtful
    abandoned = [one for one in await scene.states() if one is BatchState.ABANDONED]
    assert len(abandoned) == 2 - len(doubtful)


class Night:
    """A program that is synced at 02:30 UTC; it is 08:30."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.nights = scene.nights

    async def schedule(self) -> datetime:
        program = await self.scene.programs.change(
            "ACME", {"nightly": Nightly(time(2, 30), "UTC")}, by="test"
        )
        assert program.next_sync_at is not None
        return program.next_sync_at

    async def next(self) -> datetime | None:
        program = await self.scene.programs.find("ACME")
        assert program is not None
        return program.next_sync_at


@pytest.fixture
async def night(scene: Scene) -> Night:
    return Night(scene)


async def test_a_program_is_due_when_its_time_has_come(scene: Scene, night: Night) -> None:
    at = await night.schedule()
    early = await night.nights.due(10)
    scene.clock.now = at

    (due,) = await night.nights.due(10)

    assert early == []
    assert (due.program_id, due.at) == ("ACME", at)
    assert due.next_night(at) == at + timedelta(days=1)


async def test_a_night_is_claimed_once(scene: Scene, night: Night) -> None:
    scene.clock.now = await night.schedule()
    (due,) = await night.nights.due(10)

    begun = [
        await scene.syncs.begin(
            lease, "ACME", trigger=Trigger.NIGHTLY, by="nightly", until=None, due=due
        )
        for lease in [await _take(scene), await _take(scene)]
        if lease
    ]

    assert [one is not None for one in begun] == [True]
    assert await night.next() == claimed_until(scene.clock.now)
    assert await night.nights.due(10) == []


async def test_a_night_that_was_taken_up_is_not_begun_again(scene: Scene, night: Night) -> None:
    scene.clock.now = await night.schedule()
    (due,) = await night.nights.due(10)
    await night.nights.put_off("ACME", due.at, due.next_night(due.at))
    lease = await _take(scene)
    assert lease is not None

    begun = await scene.syncs.begin(
        lease, "ACME", trigger=Trigger.NIGHTLY, by="nightly", until=None, due=due
    )

    assert begun is None
    assert len((await scene.syncs.list("ACME")).items) == 1


async def test_a_night_whose_worker_died_is_due_again_soon(scene: Scene, night: Night) -> None:
    scene.clock.now = await night.schedule()
    (due,) = await night.nights.due(10)
    lease = await _take(scene)
    assert lease is not None
    await scene.syncs.begin(
        lease, "ACME", trigger=Trigger.NIGHTLY, by="nightly", until=None, due=due
    )

    scene.clock.move(RESUMED_AFTER.total_seconds())

    assert len(await night.nights.due(10)) == 1
    assert await _take(scene) is not None


async def test_who_changes_the_schedule_wins(scene: Scene, night: Night) -> None:
    at = await night.schedule()
    await scene.programs.change("ACME", {"nightly": None}, by="test")

    assert not await night.nights.put_off("ACME", at, at + timedelta(days=1))

    assert await night.next() is None


async def _take(scene: Scene) -> SqlLease | None:
    return await scene.leases.take("sync/ACME", TTL, holder="test")
