"""Webhooks at 200 a second: how long each is answered, and how long until its statement arrives.

One web process, one worker process; each webhook is signed, landed durably, and made into one
statement for a sink. Moments are of the monotonic clock, which the processes of a machine share.
Beside it, a few bytes are written to the same disk and synced ten times a second: a webhook waits
for three such syncs (its bundle, the folder, SQL), and often for those of the bundle before.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import uvloop

from benchmarks.hooks import make_source, post, teach
from benchmarks.postgres import durable_postgres
from benchmarks.processes import PATIENCE
from benchmarks.report import is_quick, keep, percentile, table
from benchmarks.stage import open_stage
from hub.background import cease

PER_SECOND = 200
SECONDS, QUICK_SECONDS = 60, 10
GOAL_ANSWER_MS, GOAL_ARRIVAL_MS = 20, 1000


async def main(*, quick: bool) -> None:
    """Post webhooks at a steady rate, and compare the moments."""
    count = PER_SECOND * (QUICK_SECONDS if quick else SECONDS)
    with durable_postgres() as settings:
        found = {"PostgreSQL": await _measure(count, **settings)}
    found["SQLite"] = await _measure(count)
    rows = [
        (f"{name}, {what}", *one.values()) for name, of in found.items() for what, one in of.items()
    ]
    table(["ms", "p50", "p95", "p99"], rows)
    print(f"goals: p95 {GOAL_ANSWER_MS} and {GOAL_ARRIVAL_MS}; {count} webhooks, {PER_SECOND}/s")
    keep("webhooks", {"webhooks": count, "per second": PER_SECOND, "ms": found}, quick=quick)


async def _measure(count: int, **settings: str) -> dict[str, dict[str, float]]:
    async with open_stage(**settings) as stage:
        teach(stage)
        async with stage.web(), stage.worker():
            await stage.connect(batch_size=50)
            path = await make_source(stage)
            await post(stage, path, PER_SECOND, PER_SECOND)
            await stage.sink.has(PER_SECOND)
            await stage.sink.reset(remember=True)
            async with _syncing(Path(stage.environ["HUB_DATA_DIR"]) / "synced") as synced:
                answered, accepted = await post(stage, path, count, PER_SECOND)
            async with asyncio.timeout(PATIENCE.total_seconds()):
                while accepted.keys() - (arrived := await stage.sink.arrivals()).keys():  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(0.2)
    waits = sorted((arrived[id_] - at) * 1000 for id_, at in accepted.items())
    return {
        name: {f"p{p}": round(percentile(values, p / 100), 1) for p in (50, 95, 99)}
        for name, values in (
            ("answered", sorted(answered)),
            ("at the LRS", waits),
            ("one sync of the disk", sorted(synced)),
        )
    }


@asynccontextmanager
async def _syncing(path: Path) -> AsyncIterator[list[float]]:
    """Sync a few bytes again and again while the block runs; how many ms each took."""
    took: list[float] = []

    async def go_on() -> None:
        while True:
            took.append(await asyncio.to_thread(_sync, path))
            await asyncio.sleep(0.1)

    task = asyncio.create_task(go_on())
    try:
        yield took
    finally:
        await cease(task)


def _sync(path: Path) -> float:
    with path.open("ab") as file:
        file.write(b"synced")
        file.flush()
        began = monotonic()
        os.fsync(file.fileno())
        return (monotonic() - began) * 1000


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
