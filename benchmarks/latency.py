"""From accepted to delivered on an idle system: from the 202 to the arrival at the sink.

One statement at a time, at random intervals, through one web process and one worker process. Both
moments are taken from the monotonic clock, which the processes of one machine share.
"""

import asyncio
import random
from time import monotonic

import httpx
import uvloop

from benchmarks.processes import PATIENCE
from benchmarks.report import is_quick, keep, percentile, table
from benchmarks.stage import USER, Stage, open_stage
from benchmarks.statements import bodies

GOAL_P50_MS, GOAL_P95_MS = 25, 60
SHORTEST, LONGEST = 0.02, 0.3
WARM_UP = 20


async def main(*, quick: bool) -> None:
    """Send statements one by one, and compare the two moments."""
    count = 60 if quick else 600
    async with open_stage() as stage, stage.web(), stage.worker():
        await _send(stage, WARM_UP)
        accepted = await _send(stage, count)
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while accepted.keys() - (arrived := await stage.sink.arrivals()).keys():  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.05)
    waits = sorted((arrived[id_] - at) * 1000 for id_, at in accepted.items())
    found = {
        **{f"p{p}": round(percentile(waits, p / 100), 1) for p in (50, 90, 95, 99)},
        "max": round(waits[-1], 1),
    }
    table(["", *found], [["accepted to delivered, ms", *found.values()]])
    print(f"goal p50 {GOAL_P50_MS}, p95 {GOAL_P95_MS}; {count} statements")
    facts = {"statements": count, "ms": found, "all ms": [round(w, 1) for w in waits]}
    keep("latency", facts, quick=quick)


async def _send(stage: Stage, count: int) -> dict[str, float]:
    integration_id = await stage.connect()
    await stage.sink.reset(remember=True)
    accepted: dict[str, float] = {}
    chance = random.Random(count)  # noqa: S311 - intervals, not secrets
    async with httpx.AsyncClient(
        base_url=stage.web_url, auth=(USER, await stage.api_key()), trust_env=False
    ) as client:
        for statement_id, text in bodies(count):
            answer = await client.post(
                f"/api/integrations/{integration_id}/statements",
                content=text,
                headers={"Content-Type": "application/json"},
            )
            accepted[statement_id] = monotonic()
            answer.raise_for_status()
            await asyncio.sleep(chance.uniform(SHORTEST, LONGEST))
    return accepted


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
