"""One statement in a request, 32 in flight: the product beside a bare loop and a plain actor.

All three post the same 600 bytes to the same sink, which says when the first and the last request
arrived. The queues are filled beforehand; the processes that empty them are up already.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from benchmarks import dramatiq_actor
from benchmarks.processes import Counts, output, started, started_module
from benchmarks.report import is_quick, keep, medians, table
from benchmarks.stage import Stage, open_stage
from benchmarks.statements import bodies

IN_FLIGHT = 32
GOAL_OF_BARE, GOAL_OF_DRAMATIQ = 0.5, 3.0

Runner = Callable[[Stage, int], Awaitable[Counts]]


async def product(stage: Stage, count: int) -> Counts:
    """Measure the product."""
    integration_id = await stage.connect(concurrency=IN_FLIGHT, enabled=False)
    await stage.fill(integration_id, count)
    async with stage.worker():
        await stage.sink.reset()
        await stage.enable(integration_id)
        return await stage.sink.has(count)


async def bare(stage: Stage, count: int) -> Counts:
    """Measure a bare httpx-over-aiohttp loop."""
    await stage.sink.reset()
    async with started_module("bare_loop", stage.sink.statements_url, str(count)) as process:
        await output(process)
    return await stage.sink.counts()


async def actor(stage: Stage, count: int) -> Counts:
    """Measure a Dramatiq actor for each statement, on the same Redis server."""
    redis_url = f"{stage.redis_url}?db=3"
    send = dramatiq_actor.declare(redis_url, stage.sink.statements_url)
    for _, text in bodies(count):
        send.send(text.decode())
    environ = {
        dramatiq_actor.REDIS_URL: redis_url,
        dramatiq_actor.SINK_URL: stage.sink.statements_url,
    }
    argv = (sys.executable, "-m", "dramatiq", "benchmarks.dramatiq_actor")
    await stage.sink.reset()
    async with started(*argv, "--processes", "1", "--threads", "32", environ=environ):
        # Its threads come up one after the other: what they do until then does not count.
        warm = await stage.sink.has(count // 10)
        await stage.sink.reset()
        return await stage.sink.has(count - warm.statements - IN_FLIGHT)


RUNNERS: dict[str, Runner] = {"product": product, "bare loop": bare, "Dramatiq actor": actor}


async def main(*, quick: bool) -> None:
    """Run all of them in turn, several times."""
    counts = {"product": 20_000, "bare loop": 20_000, "Dramatiq actor": 5_000}
    rounds = 5
    if quick:
        counts, rounds = dict.fromkeys(counts, 2_000), 1
    runs: dict[str, list[float]] = {name: [] for name in RUNNERS}
    async with open_stage() as stage:
        for number in range(rounds):
            for name, run in RUNNERS.items():
                await stage.clear()
                found = await run(stage, counts[name])
                runs[name].append(round(found.per_second, 1))
                print(f"round {number + 1}: {name} {found.per_second:,.0f}/s")
    middle = medians(runs)
    ratios = {
        "of the bare loop": round(middle["product"] / middle["bare loop"], 2),
        "of the Dramatiq actor": round(middle["product"] / middle["Dramatiq actor"], 2),
    }
    table(["", "statements/s"], list(middle.items()))
    print(f"product / bare loop      {ratios['of the bare loop']}  (goal {GOAL_OF_BARE})")
    print(f"product / Dramatiq actor {ratios['of the Dramatiq actor']}  (goal {GOAL_OF_DRAMATIQ})")
    facts = {"counts": counts, "runs": runs, "medians": middle, "ratios": ratios}
    keep("deliver_one_by_one", facts, quick=quick)


if __name__ == "__main__":
    asyncio.run(main(quick=is_quick(__doc__)))
