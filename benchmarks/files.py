"""A CSV file of 1,000,000 completions becomes queued statements, on two worker processes.

Seconds are those from the answer to the upload until the file is done; memory is the highest that
each worker process held together with the child that reads foreign bytes. The integration is
disabled, so that nothing is delivered meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import httpx

from benchmarks.processes import held_by
from benchmarks.report import is_quick, keep, medians, table
from benchmarks.stage import ANY_NUMBER, PROGRAM, USER, open_stage
from config.run import hub

ROWS, ROUNDS = 1_000_000, 3
GOAL_ROWS, GOAL_MEBIBYTES = 15_000, 300
EVERY = 0.2
LONGEST = timedelta(minutes=15)
COLUMNS = "email,course_uri,completed_at\n"


async def main(*, quick: bool) -> None:
    """Upload, and wait for the end of the file."""
    count, rounds = (100_000, 1) if quick else (ROWS, ROUNDS)
    runs: dict[str, list[float]] = {"rows/s": [], "MiB": []}
    for number in range(rounds):
        seconds, highest = await _round(count)
        runs["rows/s"].append(round(count / seconds))
        runs["MiB"].append(round(highest, 1))
        print(f"round {number + 1}: {count / seconds:,.0f} rows/s, {highest:.0f} MiB")
    middle = medians(runs)
    table(
        ["", "reached", "goal"],
        [
            ("rows/s", middle["rows/s"], GOAL_ROWS),
            ("MiB of a worker", max(runs["MiB"]), GOAL_MEBIBYTES),
        ],
    )
    keep("files", {"rows": count, "runs": runs, "medians": middle}, quick=quick)


async def _round(count: int) -> tuple[float, float]:
    # On a stage of its own: a purge leaves all that it threw away, to be replayed.
    async with open_stage(HUB_MAX_QUEUE=str(ANY_NUMBER)) as stage:
        integration = await stage.connect(enabled=False)
        async with (
            stage.web(),
            stage.worker(*hub(), "worker", "--processes", "2") as workers,
            httpx.AsyncClient(
                base_url=stage.web_url,
                auth=(USER, await stage.api_key()),
                timeout=120,
                trust_env=False,
            ) as client,
        ):
            return await _read(client, integration, workers.pid, count)


async def _read(
    client: httpx.AsyncClient, integration: str, pid: int, count: int
) -> tuple[float, float]:
    path = f"/api/programs/{PROGRAM}/sources"
    form = {"name": "Completions", "kind": "csv", "recipe": "csv-completions"}
    source = (await client.post(path, json=form)).raise_for_status().json()["id"]
    sent = await client.post(f"/api/sources/{source}/files", content=content(count))
    file_id, began = sent.raise_for_status().json()["fileId"], monotonic()
    highest = 0.0
    async with asyncio.timeout(LONGEST.total_seconds()):
        while True:
            highest = max([highest, *(held_by(child) for child in _children(pid))])
            file = (await client.get(f"/api/sources/{source}/files/{file_id}")).json()
            if file["endedAt"]:
                break
            await asyncio.sleep(EVERY)
    seconds = monotonic() - began
    # Not what is "new": where Redis took some and its answer was lost, they are known already when
    # they are handed in again.
    queued = (await client.get(f"/api/integrations/{integration}")).json()["health"]["queued"]
    if (file["rows"], file["statements"], queued) != (count, count, count):
        raise AssertionError(f"{file['rows']} rows made {file['statements']}, {queued} wait")
    return seconds, highest


async def content(count: int) -> AsyncIterator[bytes]:
    """Write a CSV file of so many completions."""
    yield COLUMNS.encode()
    for start in range(0, count, 1000):
        yield "".join(
            f"learner{row}@example.org,https://acme.example/courses/1,"
            f"2026-03-02T09:{row % 60:02}:00Z\n"
            for row in range(start, min(start + 1000, count))
        ).encode()


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in found for child in one.read_text().split()]


if __name__ == "__main__":
    asyncio.run(main(quick=is_quick(__doc__)))
