"""How everything stands, counted in one go."""

from datetime import timedelta

import pytest

from delivery import census
from delivery.census import Census, Standing
from delivery.facts.integration import IntegrationId
from delivery.facts.status import Status
from delivery.facts.times import to_ms
from delivery.intake import Intake
from delivery.stores.headroom import Headroom
from delivery.stores.keys import BEATS, DUE, INTEGRATIONS, OPERATIONS, Keys
from delivery.stores.meters import Meters
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import an_integration
from tests.fakes.statements import statements

ACME, BOLT = IntegrationId("acme"), IntegrationId("bolt")


@pytest.fixture
def store_url(empty_valkey_url: str) -> str:
    """Give a real server's address: the fake tells nothing of itself."""
    return empty_valkey_url


async def queue(store: Store, clock: FakeClock, name: str, count: int) -> None:
    """Set up an integration, and let so many statements wait, a second apart."""
    await StatusStore(store, clock).apply(an_integration(name))
    intake = Intake(store, Headroom(store), FakeDoorbell(), Meters(store), clock, max_queue=1000)
    for statement in statements(count):
        await intake.accept(IntegrationId(name), [statement])
        clock.move(seconds=1)


async def test_each_integration_is_told_with_what_waits_and_since_when(store: Store) -> None:
    clock = FakeClock()
    began = clock()
    await queue(store, clock, "acme", 3)
    await queue(store, clock, "bolt", 0)

    numbers = await Census(store, clock).take()

    assert numbers.standings == [
        Standing(ACME, Status.FLOWING, 3, 0, began, None),
        Standing(BOLT, Status.FLOWING, 0, 0, None, None),
    ]


async def test_what_is_replayed_counts_from_when_it_was_lined_up(store: Store) -> None:
    clock = FakeClock()
    await queue(store, clock, "acme", 0)
    lined_up, accepted = to_ms(clock()), to_ms(clock() - timedelta(days=5))
    await store.ask(
        ("XADD", Keys(ACME).back, "*", "i", "1", "b", "{}", "t", accepted, "o", "1", "u", lined_up)
    )

    (standing,) = await Census(store, clock).standings([ACME])

    assert (standing.waiting, standing.oldest_since) == (1, clock())


async def test_many_are_asked_for_in_several_steps(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "AT_ONCE", 2)
    clock = FakeClock()
    for number in range(5):
        await queue(store, clock, f"of-{number}", 1)
    await store.ask(("SADD", INTEGRATIONS, "unheard-of"))

    numbers = await Census(store, clock).take()

    assert [one.id for one in numbers.standings] == [f"of-{number}" for number in range(5)]


async def test_workers_and_what_nobody_claims_are_counted(store: Store) -> None:
    clock = FakeClock()
    now = clock()
    await store.ask(
        ("ZADD", BEATS, to_ms(now - timedelta(seconds=1)), "one"),
        ("ZADD", BEATS, to_ms(now - timedelta(minutes=1)), "two"),
        ("ZADD", DUE, to_ms(now - timedelta(minutes=1)), "acme"),
        ("ZADD", DUE, to_ms(now - timedelta(seconds=1)), "bolt"),
        ("ZADD", OPERATIONS, 0, "acme 1"),
    )

    numbers = await Census(store, clock).take()

    assert (numbers.alive, numbers.overdue, numbers.operations) == (1, 1, 1)


async def test_the_server_tells_of_itself(store: Store) -> None:
    server = (await Census(store, FakeClock()).take()).server

    assert server.memory_bytes > 0
    assert server.memory_limit_bytes == 0
    assert (server.keeps_log, server.last_write_ok) == (True, True)
