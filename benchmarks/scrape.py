"""One scrape of `/metrics`, with 10,000 integrations that all have statements waiting.

The integrations are told to delivery alone: what a scrape reads of them is in Redis. Beside it, how
long a PING of another client waits while the scrape goes on.
"""

import asyncio
from time import monotonic

import httpx
import uvloop

from benchmarks.report import is_quick, keep, percentile, table
from benchmarks.stage import Stage, open_stage
from benchmarks.statements import statements
from delivery.facts.integration import IntegrationId
from delivery.stores.store import Store
from tests.fakes.registry import an_integration

GOAL_SECONDS = 1.0
TOGETHER = 200


async def main(*, quick: bool) -> None:
    """Set the integrations up, and scrape."""
    count, scrapes = (500, 3) if quick else (10_000, 20)
    async with open_stage() as stage:
        await _set_up(stage, count)
        async with stage.web(), httpx.AsyncClient(trust_env=False, timeout=60) as client:
            await client.get(f"{stage.web_url}/metrics")
            pings: list[float] = []
            pinging = asyncio.create_task(_ping(stage.delivery.store, pings))
            took, size = [], 0
            for _ in range(scrapes):
                began = monotonic()
                answer = await client.get(f"{stage.web_url}/metrics")
                took.append(monotonic() - began)
                size = len(answer.raise_for_status().content)
            pinging.cancel()
    found = {
        "p50 s": round(percentile(took, 0.5), 3),
        "max s": round(max(took), 3),
        "bytes": size,
        "another client's PING, p99 ms": round(percentile(pings, 0.99) * 1000, 2),
    }
    table(["", *found], [[f"{count} integrations", *found.values()]])
    print(f"goal: {GOAL_SECONDS:g} s")
    keep("scrape", {"integrations": count, **found}, quick=quick)


async def _set_up(stage: Stage, count: int) -> None:
    delivery, intake = stage.delivery, stage.intake()
    names = [f"integration-{number:05}" for number in range(count)]
    for start in range(0, count, TOGETHER):
        together = names[start : start + TOGETHER]
        await asyncio.gather(*(delivery.control.apply(an_integration(name)) for name in together))
        await asyncio.gather(
            *(intake.accept(IntegrationId(name), statements(3)) for name in together)
        )


async def _ping(store: Store, waits: list[float]) -> None:
    while True:
        began = monotonic()
        await store.ask(("PING",))
        waits.append(monotonic() - began)
        await asyncio.sleep(0.002)


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
