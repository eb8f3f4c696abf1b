"""Secret keys are rotated while everything goes on, and killed in the middle of it."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.faults.processes import answer, kill, start
from tests.faults.stack import SECRET_KEYS, Prepared, Stack, now, open_stack
from tests.faults.test_worker_deaths import more_arrive
from tests.waiting import until

pytestmark = pytest.mark.slow


async def keys(stack: Stack) -> dict[str, int]:
    """Count the secrets by key."""
    told = json.loads(await answer(stack.environ, "secrets", "list", "--json"))
    return {one["keyId"]: one["secrets"] for one in told}


async def test_keys_rotate_under_load_and_the_old_one_goes(
    prepared: Prepared, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text(SECRET_KEYS)
    async with open_stack(prepared, tmp_path / "stack", secret_keys_file=str(file)) as stack:
        load = stack.load()
        await more_arrive(stack, 50)
        (old,) = await keys(stack)

        made = json.loads(await answer(stack.environ, "secrets", "new", "--json"))
        for seconds in (0.6, 0.9, 1.2):
            log = tmp_path / "rotation.log"
            rotation = await start(stack.environ, "secrets", "rotate", log=log)
            over = now() + seconds
            await until(lambda over=over: now() >= over, within=10)  # type: ignore[misc]  # bound here
            await kill(rotation)
        done = json.loads(await answer(stack.environ, "secrets", "rotate", "--json"))
        await more_arrive(stack, 50)
        await answer(stack.environ, "secrets", "rotate")
        dropped = json.loads(await answer(stack.environ, "secrets", "drop", old, "--json"))
        await more_arrive(stack, 50)
        await asyncio.gather(stack.kill_worker(1), stack.kill_worker(0))
        await stack.start_worker()
        await stack.kill_web()
        await stack.start_web()
        await more_arrive(stack, 50)

        assert (dropped["dropped"], done["key"]) == (old, made["keyId"])
        assert list(await keys(stack)) == [made["keyId"]]
        assert SECRET_KEYS not in file.read_text()
        await stack.recovered(load, since=now())
        await stack.nothing_was_lost()


async def test_a_key_in_use_is_not_dropped(prepared: Prepared, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(SECRET_KEYS)
    async with open_stack(
        prepared, tmp_path / "stack", workers=0, secret_keys_file=str(file)
    ) as stack:
        (old,) = await keys(stack)
        await answer(stack.environ, "secrets", "new")

        log = tmp_path / "drop.log"
        refused = await start(stack.environ, "secrets", "drop", old, log=log)

        assert await refused.wait() == 1
        assert "hub secrets rotate" in log.read_text()
        assert SECRET_KEYS in file.read_text()
