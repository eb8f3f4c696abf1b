"""Workers that are killed in the middle of their work, or asked to end."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.processes import ENDED_WITHIN, end
from tests.faults.stack import Note, Prepared, Stack, now, open_house, open_stack
from tests.waiting import until

pytestmark = pytest.mark.slow

DRAINS_WITHIN = 10


async def test_workers_killed_in_the_middle_of_windows_lose_nothing(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        load = stack.load()
        await more_arrive(stack, 100)

        for in_flight in (True, False):
            stack.sandbox.change({"statements": {"mode": "slow", "seconds": 1}})
            await more_asked(stack, 5)
            stack.sandbox.change({"statements": "ok"})
            if not in_flight:
                await more_arrive(stack, 30)
            await asyncio.gather(stack.kill_worker(1), stack.kill_worker(0))
            await stack.start_worker()
            await stack.start_worker()
            await more_arrive(stack, 60)
        await stack.kill_worker(0)
        killed = now()
        await stack.start_worker()

        record_property("recovered_seconds", await stack.recovered(load, since=killed))
        await stack.nothing_was_lost()
        # The kills met requests whose end nobody heard of.
        assert stack.sandbox.lrs.received > stack.sandbox.lrs.held


async def test_a_worker_asked_to_end_under_load_sends_nothing_twice(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        load = stack.load()
        await more_arrive(stack, 100)
        stack.sandbox.change({"statements": {"mode": "slow", "seconds": 0.3}})
        await more_asked(stack, 5)

        for worker in tuple(stack.workers):
            await stack.start_worker()
            asked = now()
            assert await end(worker) == 0
            record_property("ended_seconds", now() - asked)
            assert now() - asked < DRAINS_WITHIN
            await more_arrive(stack, 50)
        stack.sandbox.change({"statements": "ok"})

        record_property("recovered_seconds", await stack.recovered(load, since=now()))
        await stack.nothing_was_lost()
        assert stack.sandbox.lrs.received == stack.sandbox.lrs.held


async def test_a_worker_that_may_not_use_its_redis_ends_instead_of_taking_rings(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_house(prepared, tmp_path) as stack:
        await stack.store.ask(("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"))

        worker = await stack.start_worker()

        async with asyncio.timeout(ENDED_WITHIN):
            assert await worker.wait() == 1
        log = (tmp_path / "worker-0.log").read_text()
        assert "allkeys-lru" in log
        assert "worker.started" not in log


async def more_arrive(stack: Stack, count: int) -> None:
    """Wait until the LRS has taken in so many more statements."""
    enough = stack.sandbox.lrs.received + count
    await until(lambda: stack.sandbox.lrs.received >= enough, within=30, what="deliveries")


async def more_asked(stack: Stack, count: int) -> None:
    """Wait until the LRS has been asked so many times more."""
    enough = stack.sandbox.lrs.attempts + count
    await until(lambda: stack.sandbox.lrs.attempts >= enough, within=30, what="requests")
