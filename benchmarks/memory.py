"""A worker's memory over 500,000 statements, delivered in arrays of 50 by one process.

The queue is filled in ten portions of 50,000, each delivered before the next; the memory that the
worker holds is read four times a second. After the first two portions it should no longer grow.
"""

import asyncio
from collections.abc import Sequence

from benchmarks.processes import resident_mebibytes
from benchmarks.report import is_quick, keep, table
from benchmarks.stage import Stage, open_stage

BATCH, CONCURRENCY = 50, 4
PORTIONS, WARM_UP = 10, 2
EVERY = 0.25

Sample = tuple[int, float]


async def main(*, quick: bool) -> None:
    """Deliver portion by portion, and look at the memory meanwhile."""
    portion = 5_000 if quick else 50_000
    samples: list[Sample] = []
    async with open_stage() as stage, stage.worker() as worker:
        integration_id = await stage.connect(batch_size=BATCH, concurrency=CONCURRENCY)
        await stage.sink.reset()
        begun = resident_mebibytes(worker.pid)
        ends = []
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(_look(stage, worker.pid, samples))
            for number in range(1, PORTIONS + 1):
                await stage.fill(integration_id, portion)
                await stage.sink.has(number * portion)
                ends.append((number * portion, round(resident_mebibytes(worker.pid), 1)))
            looking.cancel()
    warm = [sample for sample in samples if sample[0] >= WARM_UP * portion]
    slope = slope_per_100_000(warm)
    highest = max(memory for _, memory in samples)
    table(["statements delivered", "MiB"], [(0, begun), *ends])
    print(f"slope after warm-up {slope:+.2f} MiB per 100,000 statements; highest {highest:.1f} MiB")
    facts = {
        "statements": PORTIONS * portion,
        "begun MiB": round(begun, 1),
        "after each portion MiB": ends,
        "highest MiB": round(highest, 1),
        "slope MiB per 100,000": round(slope, 3),
        "samples": [(statements, round(memory, 1)) for statements, memory in samples],
    }
    keep("memory", facts, quick=quick)


async def _look(stage: Stage, pid: int, samples: list[Sample]) -> None:
    while True:
        counts = await stage.sink.counts()
        samples.append((counts.statements, resident_mebibytes(pid)))
        await asyncio.sleep(EVERY)


def slope_per_100_000(samples: Sequence[Sample]) -> float:
    """Fit a line through the samples; its slope in MiB for 100,000 statements."""
    middle_x = sum(x for x, _ in samples) / len(samples)
    middle_y = sum(y for _, y in samples) / len(samples)
    spread = sum((x - middle_x) ** 2 for x, _ in samples)
    together = sum((x - middle_x) * (y - middle_y) for x, y in samples)
    return together / spread * 100_000 if spread else 0.0


if __name__ == "__main__":
    asyncio.run(main(quick=is_quick(__doc__)))
