"""Valkey killed, and Valkey stalled, under load. It syncs every write, as the embedded one does."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.stack import Note, Prepared, Stack, for_a_while, now, open_stack
from tests.faults.upstream import AWAY, Answer, Load
from tests.waiting import until

pytestmark = pytest.mark.slow

ANSWERED_WITHIN = 2


async def test_valkey_killed_and_restarted_under_load_loses_nothing(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        load = stack.load()

        for _ in range(2):
            await until_it_flows(stack, load)
            await stack.kill_valkey()
            await until_refused(load)
            await stack.valkey.start()
        restarted = now()

        record_property("recovered_seconds", await stack.recovered(load, since=restarted))
        await stack.nothing_was_lost()
        is_refused_soon(load.answers())


@pytest.mark.parametrize("seconds", [8, 110])
async def test_a_stalled_valkey_is_told_at_once_and_loses_nothing(
    seconds: int, prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        load = stack.load()
        await until_it_flows(stack, load)

        began = now()
        async with stalled(stack):
            await for_a_while(seconds)
        ended = now()

        record_property("recovered_seconds", await stack.recovered(load, since=ended))
        await stack.nothing_was_lost()
        during = [a for a in load.answers() if a.asked > began and a.ended < ended]
        record_property("slowest_refusal_seconds", max(a.seconds for a in during))
        assert len(during) > seconds
        assert all(answer.status == AWAY for answer in during)
        is_refused_soon(load.answers())


async def until_it_flows(stack: Stack, load: Load) -> None:
    """Wait until statements are taken and delivered."""
    taken, held = len(load.taken()), stack.sandbox.lrs.held
    await until(
        lambda: len(load.taken()) > taken + 100 and stack.sandbox.lrs.held > held + 100,
        within=30,
        what="a flow",
    )


async def until_refused(load: Load) -> None:
    """Wait until every client has heard that nothing can be taken now."""
    clients = load.upstreams
    await until(lambda: all(c.answers[-1].status == AWAY for c in clients), what="refusals")


def is_refused_soon(answers: list[Answer]) -> None:
    """Check that every refusal came soon, and said when to come again."""
    refused = [answer for answer in answers if answer.status == AWAY]
    assert refused
    assert max(answer.seconds for answer in refused) < ANSWERED_WITHIN
    assert all(int(answer.retry_after or 0) > 0 for answer in refused)


@asynccontextmanager
async def stalled(stack: Stack) -> AsyncIterator[None]:
    """Stop Valkey in its tracks for as long as the block lasts; its sockets stay open."""
    os.kill(stack.valkey.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(stack.valkey.pid, signal.SIGCONT)
