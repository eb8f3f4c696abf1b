"""Two versions side by side, on the same Redis and the same SQL, while everything goes on."""

import json
from asyncio.subprocess import Process
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from delivery.facts.integration import IntegrationId
from delivery.stores.keys import Keys
from tests.faults.next_version import NEXT, make_next
from tests.faults.processes import answer, end, kill, start
from tests.faults.stack import Note, Prepared, Stack, now, open_stack
from tests.faults.test_worker_deaths import more_arrive, more_asked
from tests.waiting import until

pytestmark = pytest.mark.slow

SIDE_BY_SIDE = 300
"""So many statements are delivered while both versions are at it."""
LARGEST_WINDOWS = 32 + 64 + 400
"""The windows of `ROADS`: what one worker that is killed may cost."""


async def upgraded(stack: Stack, environ: Mapping[str, str]) -> Process:
    """Put a worker of one version in the place of the oldest one of the other."""
    started = await stack.start_worker(environ)
    await until(partial(stack.beats, started), within=60, what="a beat")
    await more_arrive(stack, SIDE_BY_SIDE)
    assert await end(stack.workers.pop(0)) == 0
    return started


async def web_of(stack: Stack, environ: Mapping[str, str]) -> None:
    """Put a web process of one version in the place of the other's."""
    assert stack.web is not None
    await end(stack.web)
    await stack.start_web(environ)


async def test_versions_side_by_side_lose_nothing_and_send_nothing_twice(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path / "stack") as stack:
        next_one = {**stack.environ, **make_next(tmp_path / "next")}
        told = json.loads(await answer(next_one, "version", "--json"))
        load = stack.load()
        await more_arrive(stack, 100)

        await answer(next_one, "migrate")
        await more_arrive(stack, 50)
        await upgraded(stack, next_one)
        await web_of(stack, next_one)
        await more_arrive(stack, SIDE_BY_SIDE)
        numbers = await stack.client.get("/metrics")
        await upgraded(stack, next_one)
        await web_of(stack, stack.environ)
        back = await upgraded(stack, stack.environ)
        received, held = stack.sandbox.lrs.received, stack.sandbox.lrs.held
        older_numbers = await stack.client.get("/metrics")
        stack.sandbox.change({"statements": {"mode": "slow", "seconds": 0.3}})
        await more_asked(stack, 10)
        await kill(stack.workers.pop(0))
        stack.sandbox.change({"statements": "ok"})
        await more_arrive(stack, SIDE_BY_SIDE)

        record_property("recovered_seconds", await stack.recovered(load, since=now()))
        again = stack.sandbox.lrs.received - stack.sandbox.lrs.held
        record_property("sent_again", again)
        await stack.nothing_was_lost()
        assert told == {"learning-hub": NEXT}
        assert received == held
        assert again <= LARGEST_WINDOWS
        assert back.returncode is None
        assert numbers.is_success
        assert older_numbers.is_success
        strict = Keys(IntegrationId(stack.integrations["strict"]))
        assert await stack.store.ask(("HEXISTS", strict.state, "of_the_next")) == [1]


async def test_the_older_version_does_not_migrate_what_the_next_one_has(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_stack(prepared, tmp_path / "stack", workers=0) as stack:
        await answer({**stack.environ, **make_next(tmp_path / "next")}, "migrate")

        log = tmp_path / "migrate.log"
        refused = await start(stack.environ, "migrate", log=log)

        assert await refused.wait() == 1
        assert "cannot migrate" in log.read_text()
        assert (await stack.client.get("/healthz")).is_success
