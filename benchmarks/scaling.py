"""One worker process, and two: what a second one adds.

Eight integrations wait to be emptied, one statement in a request and eight requests in flight each.
Workers, sink and Valkey share the cores of this machine. Where those are two, one worker and what
stands around it nearly fill them, and a second worker finds no core of its own: the speed alone
would then say more of the machine than of the product. So the CPU time of each part is told beside
it, and from that

possible        the most that this machine could do with two, if nobody ever waited for anybody
on free cores   twice one's speed, less what a statement costs more where two workers deliver
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from os import cpu_count
from statistics import median

from benchmarks.processes import cpu_seconds
from benchmarks.report import is_quick, keep, table
from benchmarks.stage import Stage, open_stage

INTEGRATIONS, IN_FLIGHT = 8, 8
GOAL = 1.7


@dataclass(frozen=True, slots=True)
class Found:
    """How one run went; CPU times in microseconds for each statement."""

    per_second: float
    workers: float
    sink: float
    valkey: float
    smallest_share: float
    """The part of the workers' CPU time that the idlest of them had."""

    @property
    def whole(self) -> float:
        """What a statement costs, all parts together."""
        return self.workers + self.sink + self.valkey


async def run(stage: Stage, workers: int, count: int) -> Found:
    """Let so many workers empty all queues."""
    await stage.clear()
    ids = [await stage.connect(concurrency=IN_FLIGHT, enabled=False) for _ in range(INTEGRATIONS)]
    for one in ids:
        await stage.fill(one, count // INTEGRATIONS)
    server = await stage.delivery.redis.info("server")
    async with AsyncExitStack() as stack:
        crew = [await stack.enter_async_context(stage.worker()) for _ in range(workers)]
        parts = [*(one.pid for one in crew), stage.sink.process.pid, int(server["process_id"])]
        await stage.sink.reset()
        await asyncio.gather(*(stage.enable(one) for one in ids))
        # Connections are opened and the load is spread at first; and at the end queues run dry.
        await stage.sink.has(count // 10)
        await stage.sink.reset()
        before = [cpu_seconds(pid) for pid in parts]
        counts = await stage.sink.has(count * 8 // 10)
        used = [cpu_seconds(pid) - was for pid, was in zip(parts, before, strict=True)]
    *by_workers, sink, valkey = (seconds / counts.statements * 1e6 for seconds in used)
    return Found(
        per_second=round(counts.per_second, 1),
        workers=round(sum(by_workers), 1),
        sink=round(sink, 1),
        valkey=round(valkey, 1),
        smallest_share=round(min(by_workers) / sum(by_workers), 2),
    )


def middle(runs: list[Found]) -> Found:
    """Give the median of each number."""
    return Found(
        per_second=median(one.per_second for one in runs),
        workers=median(one.workers for one in runs),
        sink=median(one.sink for one in runs),
        valkey=median(one.valkey for one in runs),
        smallest_share=median(one.smallest_share for one in runs),
    )


async def main(*, quick: bool) -> None:
    """Run one and two workers in turn, several times."""
    count, rounds = (4_000, 1) if quick else (24_000, 5)
    runs: dict[str, list[Found]] = {"one": [], "two": []}
    async with open_stage() as stage:
        for number in range(rounds):
            for workers, word in enumerate(runs, start=1):
                runs[word].append(await run(stage, workers, count))
                print(f"round {number + 1}: {word} {runs[word][-1]}")
    one, two = middle(runs["one"]), middle(runs["two"])
    cores = cpu_count() or 1
    ratios = {
        "measured": round(two.per_second / one.per_second, 2),
        "possible": round(cores * 1e6 / two.whole / one.per_second, 2),
        "on free cores": round(2 * one.workers / two.workers, 2),
    }
    table(
        ["workers", "statements/s", "worker us", "sink us", "valkey us", "smallest share"],
        [
            (word, each.per_second, each.workers, each.sink, each.valkey, f"{each.smallest_share}")
            for word, each in (("one", one), ("two", two))
        ],
    )
    for name, ratio in ratios.items():
        print(f"two / one, {name:<14}{ratio}")
    print(f"goal {GOAL}")
    facts = {
        "statements": count,
        "runs, statements/s": {
            word: [each.per_second for each in all_] for word, all_ in runs.items()
        },
        "CPU us for each statement": {
            word: {"workers": each.workers, "sink": each.sink, "valkey": each.valkey}
            for word, each in (("one", one), ("two", two))
        },
        "smallest share of two": [each.smallest_share for each in runs["two"]],
        "ratios": ratios,
    }
    keep("scaling", facts, quick=quick)


if __name__ == "__main__":
    asyncio.run(main(quick=is_quick(__doc__)))
