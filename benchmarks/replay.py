"""A replay of 1,000,000 statements: how long to preview and to send, and what memory it takes.

The archive is filled as drains fill it, in windows of 50, and packed as workers pack it. Then one
worker sends all of it again, in arrays of 50, to the sink.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from time import monotonic

import uvloop

from benchmarks.report import is_quick, keep, table
from benchmarks.stage import Stage, open_stage
from benchmarks.statements import statements
from config import clock
from delivery.facts.block import Ended, EndedAs, pack
from delivery.facts.integration import IntegrationId
from delivery.facts.operation import Kind, OperationId, Selection, State
from delivery.stores.keys import Keys

WINDOW, TOGETHER = 50, 200


async def main(*, quick: bool) -> None:
    """Fill the archive, preview, replay."""
    count = 20_000 if quick else 1_000_000
    async with open_stage() as stage:
        integration_id = await stage.connect(batch_size=WINDOW, concurrency=4)
        size = await _fill(stage, integration_id, count)
        archive = stage.delivery.archive
        while await archive.tidy([integration_id]):
            continue
        kept = await _memory(stage)
        began = monotonic()
        preview = await stage.delivery.operations.preview(
            integration_id, Kind.REPLAY, Selection(), lines=4
        )
        counted = monotonic() - began
        before = await _memory(stage)
        async with stage.worker() as worker:
            begun = await stage.delivery.operations.begin(
                integration_id, Kind.REPLAY, Selection(), count=preview.count, by="benchmark"
            )
            began, most, resident = monotonic(), 0, 0
            while await _state(stage, integration_id, begun.id) is not State.DONE:
                most = max(most, await _memory(stage))
                resident = max(resident, _resident(worker.pid))
                await asyncio.sleep(0.5)
            took = monotonic() - began
    found = {
        "statements": count,
        "archived bytes for each": round(kept / count, 1),
        "bodies, bytes for each": round(size / count, 1),
        "preview s": round(counted, 2),
        "replay s": round(took, 1),
        "statements/s": round(count / took),
        "Redis grew by MiB, receipts included": round((most - before) / 2**20, 1),
        "worker MiB": round(resident / 2**20, 1),
    }
    table(list(found), [list(found.values())])
    keep("replay", found, quick=quick)


async def _fill(stage: Stage, integration_id: IntegrationId, count: int) -> int:
    keys, size, at = Keys(integration_id), 0, clock.now() - timedelta(hours=1)
    for start in range(0, count, WINDOW * TOGETHER):
        commands = []
        for _ in range(start, min(start + WINDOW * TOGETHER, count), WINDOW):
            made = [
                Ended(s.id, s.digest, at, at, EndedAs.DELIVERED, 200, s.body)
                for s in statements(WINDOW)
            ]
            block = pack(made)
            size += block.size
            words = ("z", block.packed, "n", block.count, "s", block.size)
            commands.append(("XADD", keys.ended, "*", *words))
        await stage.delivery.store.ask(*commands)
    return size


async def _memory(stage: Stage) -> int:
    (info,) = await stage.delivery.store.ask(("INFO", "memory"))
    return int(info["used_memory"])


async def _state(stage: Stage, integration_id: IntegrationId, operation_id: OperationId) -> State:
    found = await stage.delivery.operations.find(integration_id, operation_id)
    return found.state if found else State.DONE


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
