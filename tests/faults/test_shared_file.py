"""One large file, several workers: they share it by chunks, and each row is there once."""

import json
from pathlib import Path

import pytest

from tests.fakes.fault_proxy import Trouble
from tests.faults.filing import COLUMNS, delivered, ended, files, make, rows, upload
from tests.faults.stack import PATIENCE, Prepared, Stack, open_stack
from tests.waiting import until

pytestmark = pytest.mark.slow

ROWS = 20_000
"""Ten chunks."""
AT_ONCE = 500
ROADS = {"arrays": (AT_ONCE, 2)}


def settled(stack: Stack) -> list[int]:
    """Give for each worker of how many rows it has said that they are settled."""
    logs = [stack.folder / f"worker-{number}.log" for number in range(len(stack.workers))]
    return [
        sum(
            int(said["rows"])
            for said in map(json.loads, log.read_text().splitlines())
            if said["event"] == "chunks.settled"
        )
        for log in logs
    ]


async def test_two_workers_share_one_large_file(prepared: Prepared, tmp_path: Path) -> None:
    async with open_stack(prepared, tmp_path, workers=2, roads=ROADS) as stack:
        source = await make(stack, kind="csv", recipe="csv-completions")

        await upload(stack, source["id"], f"{COLUMNS}\n{rows(0, ROWS)}".encode())
        (file,) = await ended(stack, source["id"])
        held = await delivered(stack, ROWS)

        assert (file["state"], file["trouble"], file["failed"]) == ("done", None, 0)
        assert (file["rows"], file["statements"], file["new"]) == (ROWS, ROWS, ROWS)
        assert len({one["actor"]["mbox"] for one in held}) == ROWS
        assert sum(settled(stack)) == ROWS
        assert all(settled(stack))


async def test_of_a_file_whose_answers_are_lost_every_statement_is_there_once(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_stack(prepared, tmp_path, workers=2, roads=ROADS) as stack:
        source = await make(stack, kind="csv", recipe="csv-completions")
        await upload(stack, source["id"], f"{COLUMNS}\n{rows(0, ROWS)}".encode())

        async def is_waiting() -> bool:
            (file,) = await files(stack, source["id"])
            return file["waitsFor"] is not None

        await until(lambda: stack.sandbox.lrs.held > 0, within=PATIENCE, what="a delivery")
        await stack.to_redis.begin(Trouble.DEAF)
        await until(is_waiting, within=PATIENCE, what="a chunk that waits")
        await stack.to_redis.mend()
        (file,) = await ended(stack, source["id"])
        await delivered(stack, ROWS)

        assert (file["rows"], file["statements"], file["waitsFor"]) == (ROWS, ROWS, None)
        # Of what was taken and its answer lost, nobody can say that it was new.
        assert 0 < file["new"] <= ROWS
        assert (ROWS - file["new"]) % AT_ONCE == 0
