"""The right to drain: renewed while it is held, and given up when another has begun."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.status import Status
from delivery.stores import lease as module
from delivery.stores import scripts
from delivery.stores.keys import LANES, Keys
from delivery.stores.lease import Lease, Leases
from delivery.stores.scripts import Script
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Argument, Reply, Store
from tests.fakes.clock import FakeClock
from tests.fakes.registry import an_integration
from tests.waiting import until

ACME = IntegrationId("acme")
KEYS = Keys(ACME)


class WatchedStore(Store):
    """Counts renewals, and cannot be reached for as many as it is told."""

    renewals = 0
    outages = 0

    async def run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Reply:
        if script is not scripts.RENEW:
            return await super().run(script, keys, *arguments)
        self.renewals += 1
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("Redis is away")
        return await super().run(script, keys, *arguments)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASE", timedelta(milliseconds=300))


@pytest.fixture
async def watched(store: Store) -> WatchedStore:
    await StatusStore(store, FakeClock()).apply(an_integration("acme", version=4, revision=7))
    return WatchedStore(store.redis)


@pytest.fixture
def leases(watched: WatchedStore) -> Leases:
    return Leases(watched, FakeClock())


async def take(leases: Leases) -> Lease:
    lease = await leases.take(ACME)
    assert lease is not None
    return lease


async def is_held(store: Store) -> bool:
    (exists,) = await store.ask(("EXISTS", KEYS.lease))
    return bool(exists)


async def test_a_lease_says_what_the_integration_is(leases: Leases) -> None:
    lease = await take(leases)

    assert (lease.status, lease.version, lease.revision) == (Status.FLOWING, 4, 7)
    assert (lease.largest, lease.sent, lease.lost) == (None, dict.fromkeys(LANES, ""), False)


async def test_nothing_is_to_be_drained_of_what_delivery_does_not_know(leases: Leases) -> None:
    assert await leases.take(IntegrationId("nobody")) is None


async def test_while_it_is_kept_a_lease_outlives_its_time(
    leases: Leases, watched: WatchedStore
) -> None:
    lease = await take(leases)

    async with leases.kept(lease, pytest.fail):
        await until(lambda: watched.renewals >= 5)
        assert await is_held(watched)
        assert await leases.take(ACME) is None

    assert not lease.lost
    renewals = watched.renewals
    await until(lambda: _lapsed(watched))
    assert watched.renewals == renewals


async def test_when_another_has_begun_it_is_lost_and_told(
    leases: Leases, watched: WatchedStore
) -> None:
    lease, told = await take(leases), asyncio.Event()

    async with leases.kept(lease, told.set):
        await watched.ask(("DEL", KEYS.lease))
        await take(leases)
        await asyncio.wait_for(told.wait(), 5)
        renewals = watched.renewals
        assert lease.lost

    assert watched.renewals == renewals


async def test_a_lease_that_lapsed_while_nobody_else_began_is_taken_up_again(
    leases: Leases, watched: WatchedStore
) -> None:
    lease = await take(leases)

    async with leases.kept(lease, pytest.fail):
        await watched.ask(("DEL", KEYS.lease))
        await until(lambda: is_held(watched))

    assert not lease.lost


async def test_while_redis_is_away_a_lease_is_not_yet_lost(
    leases: Leases, watched: WatchedStore
) -> None:
    lease = await take(leases)
    watched.outages = 2

    async with leases.kept(lease, pytest.fail):
        await until(lambda: watched.renewals >= 4)

    assert not lease.lost


async def _lapsed(store: Store) -> bool:
    return not await is_held(store)
