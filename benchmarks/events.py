"""Publishing and reading events, over HTTP, through one web process.

Publishing: `POST /api/events`, one by one and in arrays of 100, with PostgreSQL that syncs every
commit. Reading: pages of 1,000 of what a program is subscribed to, from random moments on, with
1,000,000 events stored, on PostgreSQL and on SQLite; one of the publishers is rare. Connections are
kept alive, and every answer is looked at.
"""

import json
import random
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import perf_counter

import httpx
import uvloop

from benchmarks.load import Served, request, serve
from benchmarks.postgres import durable_postgres
from benchmarks.processes import cpu_seconds
from benchmarks.report import is_quick, keep, medians, percentile, table
from benchmarks.stage import PROGRAM, USER, Stage, open_stage
from config import clock
from hub.events.event import Category, EventType, NewEvent

CONNECTIONS = 64
CREATED = 201
ARRAY = 100
GOALS = {"one by one": 800, "arrays of 100": 8000}
GOAL_MS = 50
STORED, PAGE, PAGES = 1_000_000, 1000, 200
PUBLISHERS = ("ONE", "TWO", "THREE", "RARE")
RARE_EVERY = 10_000
AT_ONCE = 2000
DATA = {
    "participant": {"email": "ann@example.org", "name": "Ann Example"},
    "course": {"title": "Fire safety, refresher", "code": "FS-2026-04"},
    "hours": 1.5,
    "grades": [{"part": "theory", "points": 47}, {"part": "practice", "points": 39}],
}


async def main(*, quick: bool) -> None:
    """Publish, then read on both databases."""
    rounds, share = (1, 5) if quick else (5, 1)
    runs: dict[str, list[float]] = {name: [] for name in GOALS}
    cpu: dict[str, list[float]] = {name: [] for name in GOALS}
    waits: dict[str, dict[str, float]] = {}
    reads: dict[str, dict[str, float]] = {}
    stored = STORED // 20 if quick else STORED
    with durable_postgres() as settings:
        async with open_stage(**settings) as stage:
            for number in range(rounds):
                for name, size, count in (
                    ("one by one", 1, 10_000),
                    (f"arrays of {ARRAY}", ARRAY, 600),
                ):
                    served, used = await _publish(stage, count // share, size=size)
                    runs[name].append(round(served.per_second * size, 1))
                    cpu[name].append(round(used / (count // share) / size * 1e6, 1))
                    waits[name] = {f"p{p}": served.wait_ms(p / 100) for p in (50, 95, 99)}
                    print(f"round {number + 1}: {name} {runs[name][-1]:,.0f} events/s")
            reads["PostgreSQL"] = await _read(stage, stored)
    async with open_stage() as stage:
        reads["SQLite"] = await _read(stage, stored)
    table(
        ["publishing", "events/s", "goal", "CPU us an event", "p50 ms", "p95 ms", "p99 ms"],
        [
            [name, medians(runs)[name], goal, medians(cpu)[name], *waits[name].values()]
            for name, goal in GOALS.items()
        ],
    )
    table(
        [f"pages of {PAGE}", *reads["SQLite"], "goal"],
        [[name, *found.values(), GOAL_MS] for name, found in reads.items()],
    )
    facts = {
        "connections": CONNECTIONS,
        "bytes of an event": len(json.dumps(_event())),
        "events per second": runs,
        "cpu us an event": cpu,
        "waits ms": waits,
        "medians": medians(runs),
        "stored": stored,
        "pages ms": reads,
    }
    keep("events", facts, quick=quick)


async def _publish(stage: Stage, count: int, *, size: int) -> tuple[Served, float]:
    one = json.dumps(_event())
    body = (one if size == 1 else f"[{','.join([one] * size)}]").encode()
    headers = {"Authorization": await _authorization(stage)}
    requests = [request("/api/events", body, headers)] * count
    async with stage.web() as web:
        before = cpu_seconds(web.pid)
        served = await serve(stage.settings.port, requests, connections=CONNECTIONS, status=CREATED)
        return served, cpu_seconds(web.pid) - before


async def _read(stage: Stage, stored: int) -> dict[str, float]:
    """Store events, and read pages of them; how many milliseconds that takes."""
    moments = await _store(stage, stored)
    headers = {"Authorization": await _authorization(stage)}
    starts = random.Random(2026).choices(moments, k=PAGES)  # noqa: S311 - no secret
    took: list[float] = []
    async with (
        stage.web(),
        httpx.AsyncClient(base_url=stage.web_url, headers=headers, trust_env=False) as client,
    ):
        for start in starts:
            query = {"limit": str(PAGE), "since": start.isoformat()}
            began = perf_counter()
            answer = await client.get(f"/api/programs/{PROGRAM}/events", params=query)
            took.append((perf_counter() - began) * 1000)
            found = answer.raise_for_status().json()["items"]
            if len(found) != PAGE:
                raise AssertionError(f"{len(found)} events in a page")
    return {f"p{p}": round(percentile(took, p / 100), 1) for p in (50, 95, 99)}


async def _store(stage: Stage, count: int) -> Sequence[datetime]:
    """Store so many events of all publishers; some moments from which a whole page follows."""
    registry = stage.registry
    for publisher in PUBLISHERS:
        await registry.programs.create(publisher, publisher.title(), by=USER)
        await registry.subscriptions.create(
            PROGRAM, publisher, sync_enabled=False, template="{}", by=USER
        )
    moments = []
    for start in range(0, count, AT_ONCE):
        await registry.events.add([_stored(number) for number in range(start, start + AT_ONCE)])
        latest = await registry.events.latest()
        if latest is not None:
            moments.append(latest)
    return moments[: -2 * PAGE // AT_ONCE - 1]


def _stored(number: int) -> NewEvent:
    rare = number % RARE_EVERY == 0
    publisher = PUBLISHERS[-1] if rare else PUBLISHERS[number % (len(PUBLISHERS) - 1)]
    return NewEvent(
        id=f"{publisher}-{number}",
        publisher_program_id=publisher,
        type=EventType.AI_COMP_SUCCESS,
        publisher_participant_id=f"participant-{number % 5000}",
        data=json.dumps(DATA),
        starts_at=clock.now() - timedelta(hours=1),
        category=Category("COURSE", "Online course"),
    )


def _event() -> dict[str, object]:
    return {
        "PublisherProgramId": PROGRAM,
        "EventType": "AI_COMP_SUCCESS",
        "PublisherEventId": "AI:1234",
        "PublisherParticipantId": "ann@example.org",
        "PublisherEventCategory": {"value": "COURSE", "label": "Online course"},
        "PublisherEventData": DATA,
        "EventStartUtc": "2026-01-31T12:00:00Z",
    }


async def _authorization(stage: Stage) -> str:
    return "Basic " + b64encode(f"{USER}:{await stage.api_key()}".encode()).decode()


if __name__ == "__main__":
    uvloop.run(main(quick=is_quick(__doc__)))
