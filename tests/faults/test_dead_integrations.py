"""A thousand integrations, twenty of them dead: the living are not slowed by them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

import pytest

from config import clock
from config.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from config.settings import load
from config.wiring import open_registry
from delivery.stores.keys import INTEGRATIONS
from hub.registry.parties.integration_records import NewIntegration
from hub.registry.parties.providers import Provider
from tests.faults.stack import PATIENCE, Note, Prepared, Stack, now, open_house
from tests.faults.upstream import Upstream
from tests.waiting import until

pytestmark = pytest.mark.slow

LIVING, DEAD_EACH_WAY = 980, 10
SIDE = 32
"""So many programs and so many providers make 1,024 pairs, each good for one integration."""
HEARTBEAT = timedelta(seconds=5)
WATCHED = 4 * HEARTBEAT.total_seconds()
LANES = 2
"""How many upstream clients hand in statements at once."""


async def test_the_dead_slow_nobody_and_hear_one_request_each_heartbeat(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    settings = {"heartbeat_seconds": "5", "request_timeout_seconds": "5"}
    async with (
        open_house(prepared, tmp_path, **settings) as stack,
        dead_lrs(503) as (refusing, refusing_url),
        dead_lrs("silent") as (silent, silent_url),
    ):
        urls = [refusing_url, silent_url] * DEAD_EACH_WAY + [stack.to_lrs.url] * LIVING
        clients = await connect(stack, urls)
        dead, living = clients[: 2 * DEAD_EACH_WAY], clients[2 * DEAD_EACH_WAY :]
        await come_up(stack, count=len(clients))
        await hand_in(living)
        await all_arrive(stack, living)

        without = await latencies(stack, living)
        await asyncio.gather(*(one.hand_in([str(uuid4()) for _ in range(3)]) for one in dead))
        began = now()
        with_dead = []
        while now() < began + WATCHED:
            with_dead += await latencies(stack, living)

        for name, seconds in (("without", without), ("with", with_dead)):
            record_property(f"{name}_dead_median_ms", round(median(seconds) * 1000))
            record_property(f"{name}_dead_p95_ms", round(p95(seconds) * 1000))
        assert median(with_dead) < 2 * median(without) + 0.1
        assert p95(with_dead) < 2 * p95(without) + 0.25
        gaps = [seconds for one in dead for seconds in pauses(one, refusing, silent)]
        record_property("dead_shortest_pause_seconds", min(gaps))
        assert min(gaps) >= HEARTBEAT.total_seconds()
        assert len(gaps) >= len(dead)

        refusing.change({"statements": "ok"})
        silent.change({"statements": "ok"})
        mended = now()
        await until(partial(hold, (refusing, silent), dead), within=30, what="the dead alive")
        record_property("recovered_seconds", now() - mended)
        assert refusing.lrs.held + silent.lrs.held == 3 * len(dead)
        assert stack.sandbox.lrs.held == sum(len(one.taken) for one in living)


@asynccontextmanager
async def dead_lrs(switch: int | str) -> AsyncIterator[tuple[Sandbox, str]]:
    """Run an LRS that gives tokens, and takes nothing."""
    sandbox = Sandbox(clock.now, keep_log=100_000)
    sandbox.change({"statements": switch})
    async with listening(sandbox, smtp_port=None) as at:
        yield sandbox, at.url


async def connect(stack: Stack, urls: Sequence[str]) -> list[Upstream]:
    """Make an integration to each of these LRSs in the registry, and an upstream client for it."""
    pairs = [(f"program.{p}", f"provider.{q}") for p in range(SIDE) for q in range(SIDE)]
    async with open_registry(load(stack.environ)) as registry:
        for number in range(SIDE):
            await registry.programs.create(f"program.{number}", name="Acme", by="tests")
            await registry.providers.create(Provider(f"provider.{number}", "LMS"), by="tests")
        made = [
            await registry.integrations.create(program, new(provider, url), by="tests")
            for (program, provider), url in zip(pairs, urls, strict=False)
        ]
    return [Upstream(stack.client, record.id, at_once=1, pause=0) for record in made]


def new(provider: str, url: str) -> NewIntegration:
    """Describe an integration to a sandbox."""
    return NewIntegration(
        name="Acme to its LRS",
        provider=provider,
        technical_emails=("ops@acme.example",),
        statement_url=f"{url}/xapi/statements",
        authentication_url=f"{url}/oauth/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )


async def come_up(stack: Stack, *, count: int) -> None:
    """Start web and two workers; their first sweep tells delivery of all integrations."""
    await stack.start_web()
    await stack.start_worker()
    await stack.start_worker()

    async def heard() -> bool:
        (known,) = await stack.store.ask(("SCARD", INTEGRATIONS))
        return bool(known == count)

    await until(heard, within=PATIENCE, what="the first sweep")


async def hand_in(upstreams: Sequence[Upstream]) -> None:
    """Hand in a statement for each, some at once."""

    async def lane(number: int) -> None:
        for upstream in upstreams[number::LANES]:
            await upstream.hand_in([str(uuid4())])

    await asyncio.gather(*map(lane, range(LANES)))


async def all_arrive(stack: Stack, upstreams: Iterable[Upstream]) -> None:
    """Wait until the LRS holds all that was taken."""
    taken = sum(len(upstream.taken) for upstream in upstreams)
    await until(lambda: stack.sandbox.lrs.held >= taken, within=PATIENCE, what="deliveries")


async def latencies(stack: Stack, upstreams: Sequence[Upstream]) -> list[float]:
    """Hand in a statement for each, and tell how long each took from there to the LRS."""
    await hand_in(upstreams)
    await all_arrive(stack, upstreams)
    zero = clock.now().timestamp() - now()
    seconds = []
    for upstream in upstreams:
        found = stack.sandbox.lrs.find(upstream.taken[-1])
        assert found is not None
        seconds.append(found.stored.timestamp() - (upstream.answers[-1].asked + zero))
    return seconds


def p95(seconds: Sequence[float]) -> float:
    """Give the 95th percentile."""
    return quantiles(seconds, n=20)[-1]


def pauses(upstream: Upstream, *lrss: Sandbox) -> list[float]:
    """Give the seconds between one request and the next for one integration."""
    log = [entry for lrs in lrss for entry in lrs.log.entries("statements")]
    asked = sorted(entry.at for entry in log if entry.ids[0] in upstream.taken)
    assert asked
    return [(after - before).total_seconds() for before, after in pairwise(asked)]


def hold(lrss: Sequence[Sandbox], upstreams: Sequence[Upstream]) -> bool:
    """Say whether everything that was taken is held."""
    return sum(lrs.lrs.held for lrs in lrss) >= sum(len(one.taken) for one in upstreams)
