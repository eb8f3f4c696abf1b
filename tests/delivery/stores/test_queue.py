"""Lease, queue and intake together: what two workers and a crash can do to each other."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
import redis.asyncio as aioredis

from delivery.facts.doorbell import Work
from delivery.facts.errors import StatementConflict, StoreUnavailable, UnknownIntegration
from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.outcome import IntegrationRefused, Unavailable
from delivery.facts.statement import Queued
from delivery.facts.status import Health, Status
from delivery.intake import Intake
from delivery.stores import scripts
from delivery.stores.headroom import Headroom
from delivery.stores.keys import DUE, Keys
from delivery.stores.lease import Lease, Leases
from delivery.stores.meters import Meters
from delivery.stores.statement_queue import CLOSE, Policy, Settled, StatementQueue, note_sent
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import an_integration
from tests.fakes.statements import a_statement, ids, statements

POLICY = Policy(timedelta(seconds=60), timedelta(days=1), timedelta(days=7))
ACME = IntegrationId("acme")
KEYS = Keys(ACME)


@dataclass
class Room:
    """The stores of one integration, and a clock."""

    store: Store
    clock: FakeClock
    bell: FakeDoorbell
    states: StatusStore
    intake: Intake
    leases: Leases

    def queue(self, lease: Lease) -> StatementQueue:
        return StatementQueue(self.store, lease, clock=self.clock, policy=POLICY)

    async def begin(self) -> tuple[Lease, StatementQueue]:
        lease = await self.leases.take(ACME)
        assert lease is not None
        return lease, self.queue(lease)

    async def health(self) -> Health:
        return (await self.states.health([ACME]))[ACME]

    async def due(self) -> float | None:
        (score,) = await self.store.ask(("ZSCORE", DUE, ACME))
        return None if score is None else float(score)


@pytest.fixture
def room(store: Store) -> Room:
    clock, bell = FakeClock(), FakeDoorbell()
    return Room(
        store=store,
        clock=clock,
        bell=bell,
        states=StatusStore(store, clock),
        intake=Intake(store, Headroom(store), bell, Meters(store), clock, max_queue=1000),
        leases=Leases(store, clock),
    )


async def lapse(room: Room) -> None:
    """Let the lease lapse, as after the death of its holder."""
    await room.store.ask(("DEL", KEYS.lease))


async def apply(room: Room, **changes: object) -> Integration:
    integration = an_integration("acme", **changes)
    await room.states.apply(integration)
    return integration


def delivered(*queued: Queued) -> list[Settled]:
    return [Settled(q, "HTTP 200") for q in queued]


async def test_nothing_is_accepted_for_an_integration_delivery_never_heard_of(room: Room) -> None:
    with pytest.raises(UnknownIntegration):
        await room.intake.accept(ACME, [a_statement()])


async def test_requests_that_arrive_together_have_each_their_own_result(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, [a_statement(1)])

    results = await asyncio.gather(
        room.intake.accept(ACME, [a_statement(2)]),
        room.intake.accept(ACME, [a_statement(1, timestamp="2026-01-01T00:00:00Z")]),
        room.intake.accept(IntegrationId("nobody"), [a_statement(3)]),
        room.intake.accept(ACME, [a_statement(1), a_statement(4)]),
        return_exceptions=True,
    )

    taken, conflict, unknown, mixed = results
    assert not isinstance(taken, BaseException)
    assert not isinstance(mixed, BaseException)
    assert taken.accepted == (a_statement(2).id,)
    assert isinstance(conflict, StatementConflict)
    assert isinstance(unknown, UnknownIntegration)
    assert (mixed.accepted, mixed.duplicates) == ((a_statement(4).id,), (a_statement(1).id,))


async def test_a_burst_makes_one_ring_and_is_due_if_the_ring_is_lost(room: Room) -> None:
    await apply(room)

    for number in range(20):
        await room.intake.accept(ACME, [a_statement(number)])

    assert room.bell.rings == [(Work.DRAIN, [ACME])]
    assert await room.due() is not None


async def test_a_ring_is_made_again_if_nothing_came_of_the_first(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, [a_statement(1)])
    room.clock.move(seconds=3)

    await room.intake.accept(ACME, [a_statement(2)])

    assert len(room.bell.rings) == 2


async def test_only_one_drains_at_a_time(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, [a_statement(1)])

    first, second = await room.leases.take(ACME), await room.leases.take(ACME)

    assert first is not None
    assert second is None


async def test_a_drainer_that_lost_its_lease_changes_nothing(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, statements(3))
    stale, old = await room.begin()
    window = await old.settle([], wanted=10)
    await lapse(room)
    _, new = await room.begin()
    await new.settle([], wanted=10)

    note_sent(stale, window.statements)
    settled = await old.settle(delivered(*window.statements), wanted=10)
    stopped = await old.stop([], Unavailable("HTTP 503"), tried=[], alert="{}")

    assert settled.lost
    assert stopped.lost
    health = await room.health()
    assert (health.queued, health.status) == (3, Status.FLOWING)


async def test_after_a_crash_the_next_drainer_knows_what_may_have_been_sent(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, statements(5))
    _, first = await room.begin()
    await first.settle([], wanted=3)
    await lapse(room)

    _, second = await room.begin()
    window = await second.settle([], wanted=5)

    assert [q.tried for q in window.statements] == [True, True, True, False, False]


async def test_what_was_looked_at_but_not_sent_is_not_taken_for_tried(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, statements(5))
    lease, queue = await room.begin()
    window = await queue.settle([], wanted=5)
    note_sent(lease, window.statements[:2])
    await queue.stop(delivered(window.statements[0]), Unavailable("HTTP 503"), tried=[], alert="{}")
    room.clock.move(seconds=60)

    _, again = await room.begin()
    window = await again.settle([], wanted=5)

    assert [q.tried for q in window.statements] == [True, False, False, False]


async def test_a_drain_that_ends_with_work_left_is_due_at_once(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, statements(3))
    _, queue = await room.begin()
    window = await queue.settle([], wanted=1)

    closed = await queue.settle(delivered(*window.statements), wanted=CLOSE)

    assert closed.ring
    assert await room.leases.take(ACME) is not None


async def test_an_empty_queue_is_due_no_more(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, statements(3))
    _, queue = await room.begin()
    window = await queue.settle([], wanted=10)

    empty = await queue.settle(delivered(*window.statements), wanted=10)

    assert not empty.statements
    assert not empty.ring
    assert await room.due() is None


async def test_what_arrives_during_the_last_settlement_is_not_left_behind(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, [a_statement(1)])
    _, queue = await room.begin()
    window = await queue.settle([], wanted=10)
    await room.intake.accept(ACME, [a_statement(2)])

    more = await queue.settle(delivered(*window.statements), wanted=10)

    assert [q.id for q in more.statements] == [a_statement(2).id]


async def test_an_update_while_the_old_credentials_are_refused_is_not_missed(room: Room) -> None:
    await apply(room)
    await room.intake.accept(ACME, [a_statement(1)])
    _, queue = await room.begin()
    await queue.settle([], wanted=10)
    await apply(room, version=2, revision=2)

    stopped = await queue.stop([], IntegrationRefused("HTTP 403"), tried=[], alert="{}")

    assert stopped.ring
    assert (await room.health()).status is Status.FLOWING
    assert await room.leases.take(ACME) is not None


async def test_older_news_of_an_integration_changes_nothing(room: Room) -> None:
    await apply(room, version=2, revision=5)

    await apply(room, version=1, revision=4, enabled=False)

    assert (await room.health()).status is Status.FLOWING


async def test_a_window_is_bounded_by_bytes_but_never_empty(room: Room) -> None:
    await apply(room)
    big = [a_statement(n, result={"response": "x" * 3_000_000}) for n in range(3)]
    await room.intake.accept(ACME, big)
    _, queue = await room.begin()

    window = await queue.settle([], wanted=10)

    assert [q.id for q in window.statements] == ids(big[:1])


async def test_a_redis_that_forgot_its_scripts_is_taught_them_again(room: Room) -> None:
    await apply(room)
    await room.store.ask(("SCRIPT", "FLUSH"))

    taken = await room.intake.accept(ACME, [a_statement(1)])

    assert taken.accepted == (a_statement(1).id,)


async def test_a_thousand_statements_are_taken_in_one_step(room: Room) -> None:
    await apply(room)

    taken = await room.intake.accept(ACME, statements(1000))

    assert len(taken.accepted) == 1000
    assert (await room.health()).queued == 1000


async def test_a_redis_that_is_away_is_said_so(room: Room) -> None:
    store = Store(aioredis.Redis.from_url("redis://127.0.0.1:1"))

    with pytest.raises(StoreUnavailable):
        await Intake(store, Headroom(store), room.bell, Meters(store), room.clock, 10).accept(
            ACME, statements(1)
        )
    await store.redis.aclose()


@pytest.mark.parametrize("end", ["empty", "closed", "stopped"])
async def test_a_renewal_that_comes_late_does_not_take_the_lease_again(
    room: Room, end: str
) -> None:
    await apply(room)
    await room.intake.accept(ACME, statements(2))
    lease, queue = await room.begin()
    window = await queue.settle([], wanted=1)
    match end:
        case "empty":
            window = await queue.settle(delivered(*window.statements), wanted=1)
            await queue.settle(delivered(*window.statements), wanted=1)
        case "closed":
            await queue.settle(delivered(*window.statements), wanted=CLOSE)
        case _:
            await queue.stop([], Unavailable("HTTP 503"), tried=[], alert="{}")

    reply = await room.store.run(
        scripts.RENEW,
        [KEYS.state, KEYS.lease, DUE],
        *(lease.token, 0, ACME, 10_000, 12_000),
    )

    assert reply == 0
    assert await room.store.ask(("EXISTS", KEYS.lease)) == [0]
