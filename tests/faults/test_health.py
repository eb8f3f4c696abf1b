"""Health tells the truth of real processes that hang, die and are taken away."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from config.run import hub
from delivery.facts.integration import IntegrationId
from delivery.stores.keys import DUE, Keys
from tests.faults.processes import end
from tests.faults.stack import Prepared, Stack, open_stack
from tests.waiting import until

pytestmark = pytest.mark.slow


async def readiness(stack: Stack) -> tuple[int, dict[str, str], list[str]]:
    answer = await stack.client.get("/readyz")
    told = answer.json()
    return answer.status_code, told["missing"], [one["text"] for one in told["warnings"]]


async def doctor(stack: Stack) -> tuple[int, list[dict[str, str]]]:
    process = await asyncio.create_subprocess_exec(
        *hub(), "doctor", "--json", env=stack.environ, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out)


async def test_a_worker_that_hangs_is_seen_and_one_that_ends_in_order_is_not_missed(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        hung, other = stack.workers
        assert (await readiness(stack))[0] == 200
        os.kill(hung.pid, signal.SIGSTOP)

        async def is_missed() -> bool:
            return any(f":{hung.pid} fell silent" in one for one in (await readiness(stack))[2])

        await until(is_missed, within=30, what="a warning of the worker that hangs")
        one_left = await readiness(stack)
        assert await end(other) == 0

        async def is_unready() -> bool:
            return (await readiness(stack))[0] == 503

        await until(is_unready, within=30, what="a hub that is not ready")
        missing = (await readiness(stack))[1]
        code, findings = await doctor(stack)
        os.kill(hung.pid, signal.SIGCONT)

        async def is_ready() -> bool:
            return (await readiness(stack))[0] == 200

        await until(is_ready, within=30, what="a hub that is ready again")
        assert one_left[0] == 200
        assert "no worker for" in missing["worker"]
        # Nothing waits, so that nobody works is no fault yet.
        assert code == 0
        assert any("start a worker" in one["text"] for one in findings)
        assert not any(f":{other.pid}" in one for one in (await readiness(stack))[2])


async def test_what_nobody_claims_and_what_sql_does_not_know_is_seen(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_stack(prepared, tmp_path, workers=1) as stack:
        (worker,) = stack.workers
        stranger = IntegrationId("stranger")
        await stack.store.ask(
            ("SADD", "hub:integrations", stranger),
            ("HSET", Keys(stranger).state, "revision", 1, "version", 1, "status", "flowing"),
        )
        code, findings = await doctor(stack)
        os.kill(worker.pid, signal.SIGSTOP)
        await stack.store.ask(("ZADD", DUE, 1, stack.integrations["strict"]))
        unclaimed = (await readiness(stack))[1]
        os.kill(worker.pid, signal.SIGCONT)

        assert any("stranger" in one["text"] for one in findings)
        assert code == 0
        assert "no worker has claimed them" in unclaimed["worker"]
