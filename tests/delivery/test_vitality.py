"""Looking whether delivery lives: everything that is told has been provoked."""

import asyncio
from datetime import timedelta

import pytest

from delivery.census import Census
from delivery.facts.errors import StoreFull
from delivery.facts.integration import IntegrationId
from delivery.facts.times import to_ms
from delivery.facts.vital_signs import complaints
from delivery.intake import Intake
from delivery.stores.headroom import DISK_KEPT_FREE, Headroom
from delivery.stores.keys import BEATS, DUE, WORKERS, Keys
from delivery.stores.meters import Meters
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.vitality import Vitality
from delivery.work.heartbeat import Body, Heartbeat
from delivery.work.running import Running, Stopping
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import FakeRegistry, FakeUpkeep, an_integration
from tests.fakes.statements import a_statement

ACME = IntegrationId("acme")


@pytest.fixture
def store_url(empty_valkey_url: str) -> str:
    """Give a real server's address: the fake tells nothing of itself."""
    return empty_valkey_url


@pytest.fixture
async def clock(store: Store) -> FakeClock:
    """Give a clock that stands where Redis' clock does."""
    ((seconds, _),) = await store.ask(("TIME",))
    clock = FakeClock()
    clock.move(seconds=int(seconds) - clock().timestamp())
    return clock


async def hanging(_: IntegrationId, __: Stopping) -> None:
    """Never end."""
    await asyncio.Event().wait()


def a_heartbeat(store: Store, clock: FakeClock, running: Running, name: str = "one") -> Heartbeat:
    states = StatusStore(store, clock)
    return Heartbeat(
        store=store,
        states=states,
        registry=FakeUpkeep(FakeRegistry(), states),
        meters=Meters(store),
        doorbell=FakeDoorbell(),
        clock=clock,
        name=name,
        body=Body("here", "1.0", running),
    )


async def told(store: Store, clock: FakeClock) -> list[str]:
    return [one.text for one in complaints(await Vitality(store, clock).look())]


async def test_a_worker_that_beats_is_fine_and_one_that_takes_leave_is_not_missed(
    store: Store, clock: FakeClock
) -> None:
    one, two = (a_heartbeat(store, clock, Running(hanging), name) for name in ("one", "two"))
    await one.beat()
    await two.beat()

    await two.take_leave()
    clock.move(seconds=5)

    assert await told(store, clock) == []
    assert await store.ask(("ZCARD", BEATS), ("HLEN", WORKERS)) == [1, 1]


async def test_a_worker_whose_clock_is_wrong_is_named(store: Store, clock: FakeClock) -> None:
    clock.move(seconds=30)
    await a_heartbeat(store, clock, Running(hanging)).beat()

    (words,) = await told(store, clock)

    assert "the clock of here is" in words


async def test_a_worker_of_an_older_release_only_beats(store: Store, clock: FakeClock) -> None:
    await store.ask(("ZADD", BEATS, to_ms(clock()), "old"))

    (sign,) = (await Vitality(store, clock).look()).workers

    assert (sign.name, sign.release) == ("old", "unknown")


async def test_what_nobody_claims_is_told(store: Store, clock: FakeClock) -> None:
    await a_heartbeat(store, clock, Running(hanging)).beat()
    await store.ask(("ZADD", DUE, to_ms(clock() - timedelta(seconds=31)), ACME))

    (words,) = await told(store, clock)

    assert "1 integrations are due" in words


async def test_a_queue_that_ages_without_a_delivery_is_told(store: Store, clock: FakeClock) -> None:
    await StatusStore(store, clock).apply(an_integration("acme"))
    intake = Intake(store, Headroom(store), FakeDoorbell(), Meters(store), clock, max_queue=10)
    await intake.accept(ACME, [a_statement()])
    heartbeat = a_heartbeat(store, clock, Running(hanging))

    clock.move(minutes=4)
    await heartbeat.beat()
    young = await told(store, clock)
    clock.move(minutes=2)
    await heartbeat.beat()
    old = await told(store, clock)
    await store.ask(("HSET", Keys(ACME).state, "delivered", to_ms(clock())))

    assert not [words for words in young if "acme" in words]
    assert [words for words in old if "acme" in words]
    assert await told(store, clock) == [words for words in old if "acme" not in words]


async def test_a_full_memory_is_told(store: Store, clock: FakeClock) -> None:
    await a_heartbeat(store, clock, Running(hanging)).beat()
    used = (await Census(store, clock).take()).server.memory_bytes
    try:
        await store.ask(("CONFIG", "SET", "maxmemory", int(used * 1.15)))
        (words,) = await told(store, clock)
    finally:
        await store.ask(("CONFIG", "SET", "maxmemory", 0))

    assert "of its memory" in words


async def test_intake_stops_before_the_disk_is_full(store: Store) -> None:
    left = DISK_KEPT_FREE
    headroom = Headroom(store, lambda: left)
    await headroom.look()
    headroom.check()

    left -= 1
    await headroom.look()
    with pytest.raises(StoreFull, match="disk"):
        headroom.check()


async def test_a_process_knows_how_long_its_oldest_drain_is_open() -> None:
    running = Running(hanging)
    assert (running.count, running.oldest) == (0, timedelta())

    await running.begin([ACME, IntegrationId("bolt")])

    assert running.count == 2
    assert running.oldest >= timedelta()
    for drain in list(running._drains.values()):  # noqa: SLF001 - they would never end
        drain.cancel()
