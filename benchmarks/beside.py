"""Webhooks of one source while a CSV file of 1,000,000 rows of another one is read.

Two worker processes; the file's integration is disabled, the webhooks' is a sink. Moments are of
the monotonic clock, which the processes of a machine share. It is done twice: with the file, and
without it.
"""

import asyncio

import httpx
import uvloop

from benchmarks.files import content
from benchmarks.hooks import make_source, post, teach
from benchmarks.processes import PATIENCE
from benchmarks.report import is_quick, keep, percentile, table
from benchmarks.stage import ANY_NUMBER, PROGRAM, USER, Stage, open_stage
from config.run import hub

ROWS, QUICK_ROWS = 1_000_000, 200_000
PER_SECOND = 20
SECONDS, QUICK_SECONDS = 20, 3


async def main(*, quick: bool) -> None:
    """Measure both, and compare."""
    rows, seconds = (QUICK_ROWS, QUICK_SECONDS) if quick else (ROWS, SECONDS)
    found = {"alone": await _measure(0, seconds), "beside a file": await _measure(rows, seconds)}
    table(["ms until the LRS", "p50", "p95", "most"], [(name, *of) for name, of in found.items()])
    keep("beside", {"rows": rows, "per second": PER_SECOND, "ms": found}, quick=quick)


async def _measure(rows: int, seconds: int) -> tuple[float, float, float]:
    async with open_stage(HUB_MAX_QUEUE=str(ANY_NUMBER)) as stage:
        teach(stage)
        kept = await stage.connect(enabled=False)
        async with stage.web(), stage.worker(*hub(), "worker", "--processes", "2"):
            path = await make_source(stage, [await stage.connect(batch_size=50)])
            await post(stage, path, PER_SECOND, PER_SECOND)
            await stage.sink.has(PER_SECOND)
            await stage.sink.reset(remember=True)
            file = await _upload(stage, kept, rows) if rows else None
            _, accepted = await post(stage, path, PER_SECOND * seconds, PER_SECOND)
            if file is not None and await _is_done(stage, file):
                raise AssertionError("the file was done before the webhooks were")
            async with asyncio.timeout(PATIENCE.total_seconds()):
                while accepted.keys() - (arrived := await stage.sink.arrivals()).keys():  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(0.2)
    waits = sorted((arrived[id_] - at) * 1000 for id_, at in accepted.items())
    return round(percentile(waits, 0.5), 1), round(percentile(waits, 0.95), 1), round(waits[-1], 1)


async def _upload(stage: Stage, integration: str, rows: int) -> str:
    async with await _client(stage) as client:
        form = {
            "name": "Completions",
            "kind": "csv",
            "recipe": "csv-completions",
            "integrations": [integration],
        }
        made = await client.post(f"/api/programs/{PROGRAM}/sources", json=form)
        path = f"/api/sources/{made.raise_for_status().json()['id']}/files"
        sent = (await client.post(path, content=content(rows))).raise_for_status().json()
        return f"{path}/{sent['fileId']}"


async def _is_done(stage: Stage, file: str) -> bool:
    async with await _client(stage) as client:
        return bool((await client.get(file)).raise_for_status().json()["endedAt"])


async def _client(stage: Stage) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=stage.web_url, auth=(USER, await stage.api_key()), timeout=120, trust_env=False
    )


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
