"""Durable accepts of one web process: each is on disk before its 202.

Beside it a bare Starlette app that makes one XADD for each request, on the same server. Requests
come over 64 connections that are kept alive, and every answer is looked at.
"""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from benchmarks.load import Served, request, serve
from benchmarks.processes import answers, cpu_seconds, started_module
from benchmarks.report import is_quick, keep, medians, table
from benchmarks.stage import HOST, USER, Stage, open_stage
from benchmarks.statements import bodies
from config.listening import free_port

CONNECTIONS = 64
GOAL = 5000
ACCEPTED = 202

Run = Callable[[Stage, int], Awaitable[tuple[Served, float]]]


async def product(stage: Stage, count: int, *, size: int) -> tuple[Served, float]:
    """Measure the product, with so many statements in a request; give web's CPU time, too."""
    integration_id = await stage.connect()
    key = b64encode(f"{USER}:{await stage.api_key()}".encode()).decode()
    path = f"/api/integrations/{integration_id}/statements"
    headers = {"Authorization": f"Basic {key}"}
    requests = [request(path, text, headers) for text in _texts(count, size)]
    async with stage.web() as web:
        before = cpu_seconds(web.pid)
        served = await serve(
            stage.settings.port, requests, connections=CONNECTIONS, status=ACCEPTED
        )
        return served, cpu_seconds(web.pid) - before


async def bare(stage: Stage, count: int) -> tuple[Served, float]:
    """Measure the bare app."""
    port = free_port(HOST)
    requests = [request("/statements", text, {}) for text in _texts(count, 1)]
    async with started_module("bare_intake", str(port), stage.redis_url) as app:
        await answers(f"http://{HOST}:{port}/healthz")
        before = cpu_seconds(app.pid)
        served = await serve(port, requests, connections=CONNECTIONS, status=ACCEPTED)
        return served, cpu_seconds(app.pid) - before


def _texts(count: int, size: int) -> list[bytes]:
    texts = [text for _, text in bodies(count * size)]
    if size == 1:
        return texts
    return [
        b"[" + b",".join(texts[start : start + size]) + b"]" for start in range(0, len(texts), size)
    ]


RUNS: dict[str, tuple[Run, int, int]] = {
    "product": (partial(product, size=1), 1, 20_000),
    "bare app": (bare, 1, 20_000),
    "product, arrays of 10": (partial(product, size=10), 10, 4_000),
    "product, arrays of 100": (partial(product, size=100), 100, 500),
}


async def main(*, quick: bool) -> None:
    """Run all of them in turn, several times."""
    rounds, share = (1, 10) if quick else (5, 1)
    requests: dict[str, list[float]] = {name: [] for name in RUNS}
    statements: dict[str, list[float]] = {name: [] for name in RUNS}
    cpu: dict[str, list[float]] = {name: [] for name in RUNS}
    waits: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
    postponed = dict.fromkeys(RUNS, 0)
    async with open_stage() as stage:
        for number in range(rounds):
            for name, (run, size, full) in RUNS.items():
                count = full // share
                await stage.clear()
                served, used = await run(stage, count)
                requests[name].append(round(served.per_second, 1))
                statements[name].append(round(served.per_second * size, 1))
                cpu[name].append(round(used / count / size * 1e6, 1))
                waits[name].append({f"p{p}": served.wait_ms(p / 100) for p in (50, 95, 99)})
                postponed[name] += served.postponed
                print(f"round {number + 1}: {name} {served.per_second * size:,.0f} statements/s")
    middle = medians(statements)
    table(
        ["", "requests/s", "statements/s", "CPU us a statement", "p50 ms", "p95 ms", "p99 ms"],
        [
            [name, medians(requests)[name], middle[name], medians(cpu)[name], *_middle(waits[name])]
            for name in RUNS
        ],
    )
    ratio = round(middle["product"] / middle["bare app"], 2)
    print(f"goal {GOAL} accepts/s, one statement each; product / bare app {ratio}")
    facts = {
        "connections": CONNECTIONS,
        "runs": {"requests": requests, "statements": statements, "cpu us": cpu, "waits ms": waits},
        "answered with 503, then sent again": postponed,
        "medians": middle,
        "ratios": {"of the bare app": ratio},
    }
    keep("intake", facts, quick=quick)


def _middle(waits: list[dict[str, float]]) -> list[float]:
    return list(medians({name: [w[name] for w in waits] for name in waits[0]}).values())


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
