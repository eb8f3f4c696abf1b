"""A cancellation that is swallowed on its way, as `asyncio.wait_for` of Python 3.11 may do.

It happens when what is waited for is done in the very turn of the loop that cancels the waiter.
redis-py waits so for every write.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
import redis.asyncio as aioredis

from config import clock
from delivery.facts.integration import IntegrationId
from delivery.facts.status import Status
from delivery.stores import lease
from delivery.stores.lease import Lease, Leases
from delivery.stores.store import Call, Reply, Store

LEASE = Lease(IntegrationId("acme"), "1", Status.FLOWING, 1, 1, None, {})


class SwallowingStore(Store):
    """A Redis whose first answer comes just when the one who waits for it is cancelled."""

    def __init__(self) -> None:
        super().__init__(aioredis.Redis())
        self.asked = asyncio.Event()

    async def run_all(self, calls: Sequence[Call]) -> list[Reply | Exception]:
        """Answer yes, as soon as cancelled."""
        assert not self.asked.is_set(), "renewed once more"
        self.asked.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return [1 for _ in calls]


async def test_a_lease_ends_with_its_drain_though_the_cancellation_was_swallowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "LEASE", timedelta(milliseconds=3))
    store = SwallowingStore()

    async with Leases(store, clock.now).kept(LEASE, pytest.fail):
        await store.asked.wait()

    assert not LEASE.lost
