"""Replays whose workers are killed: everything goes out once more, and nothing a third time."""

import asyncio
from pathlib import Path

import pytest

from tests.fakes.statements import statements
from tests.faults.stack import Prepared, Stack, now, open_stack
from tests.faults.test_worker_deaths import more_arrive, more_asked
from tests.waiting import until

pytestmark = pytest.mark.slow
COUNT = 1500


async def state(stack: Stack, path: str) -> str:
    return str((await stack.client.get(path)).json()["state"])


async def test_a_replay_survives_the_death_of_its_workers(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        integration = stack.integrations["arrays"]
        posted = statements(COUNT)
        for start in range(0, COUNT, 500):
            body = b"[" + b",".join(one.body for one in posted[start : start + 500]) + b"]"
            await stack.client.post(
                f"/api/integrations/{integration}/statements",
                content=body,
                headers={"Content-Type": "application/json"},
            )
        await until(lambda: stack.sandbox.lrs.held == COUNT, within=60, what="deliveries")
        stack.sandbox.lrs.forget()
        stack.sandbox.change({"statements": {"mode": "slow", "seconds": 0.3}})

        begun = await stack.client.post(
            f"/api/integrations/{integration}/replays", json={"since": "2026-01-01T00:00:00Z"}
        )
        path = begun.headers["Location"]
        for _ in range(2):
            await more_asked(stack, 2)
            await asyncio.gather(stack.kill_worker(1), stack.kill_worker(0))
            await stack.start_worker()
            await stack.start_worker()
        stack.sandbox.change({"statements": "ok"})
        live = stack.load()
        await more_arrive(stack, 50)

        async def done() -> bool:
            return await state(stack, path) == "done"

        await until(done, within=90, what="the end of the replay")
        await stack.recovered(live, since=now())
        told = (await stack.client.get(path)).json()
        taken = live.taken()
        assert (told["statements"], told["done"]) == (COUNT, COUNT)
        assert set(stack.sandbox.lrs.ids()) == {one.id for one in posted} | set(taken)
        # What a killed worker had in flight went out once more: at most a window for each death.
        again = stack.sandbox.lrs.received - stack.sandbox.lrs.held
        assert again <= 4 * 400
