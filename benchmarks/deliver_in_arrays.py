"""Arrays of 50 statements, with one, two, four and eight requests in flight.

The queue is filled beforehand; one worker process is up already. The sink says when the first and
the last request arrived.
"""

import asyncio

from benchmarks.processes import cpu_seconds
from benchmarks.report import is_quick, keep, medians, table
from benchmarks.stage import Stage, open_stage

BATCH = 50
CONCURRENCIES = (1, 2, 4, 8)
GOAL = 20_000


async def deliver(stage: Stage, count: int, concurrency: int) -> tuple[float, float]:
    """Give statements in a second, and the worker's CPU time for each in microseconds."""
    integration_id = await stage.connect(batch_size=BATCH, concurrency=concurrency, enabled=False)
    await stage.fill(integration_id, count)
    async with stage.worker() as worker:
        await stage.sink.reset()
        before = cpu_seconds(worker.pid)
        await stage.enable(integration_id)
        counts = await stage.sink.has(count)
        used = cpu_seconds(worker.pid) - before
    return counts.per_second, used / count * 1e6


async def main(*, quick: bool) -> None:
    """Run all of them in turn, several times."""
    count, rounds = (20_000, 1) if quick else (200_000, 5)
    runs: dict[str, list[float]] = {f"{n} in flight": [] for n in CONCURRENCIES}
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    async with open_stage() as stage:
        for number in range(rounds):
            for name, concurrency in zip(runs, CONCURRENCIES, strict=True):
                await stage.clear()
                per_second, used = await deliver(stage, count, concurrency)
                runs[name].append(round(per_second, 1))
                cpu[name].append(round(used, 1))
                print(f"round {number + 1}: {name} {per_second:,.0f} statements/s")
    middle, used_middle = medians(runs), medians(cpu)
    table(
        ["", "statements/s", "CPU us a statement"],
        [[name, middle[name], used_middle[name]] for name in runs],
    )
    print(f"goal {GOAL} statements/s")
    facts = {"statements": count, "batch": BATCH, "runs": runs, "cpu us": cpu, "medians": middle}
    keep("deliver_in_arrays", facts, quick=quick)


if __name__ == "__main__":
    asyncio.run(main(quick=is_quick(__doc__)))
