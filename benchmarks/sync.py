"""A sync of 100,000 events: three publishers, four categories, on SQLite, into the sandbox.

One web process is asked for it, as LearningBuilder asks; the sandbox, another process, reads every
row. Seconds are those of the call, memory is the highest that web and its children, which render,
held together.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx

from benchmarks.processes import answers, held_by, started
from benchmarks.report import is_quick, keep, table
from benchmarks.stage import HOST, PROGRAM, USER, Stage, open_stage
from config import clock
from config.listening import free_port
from config.run import hub
from config.sandbox.imports import API_KEY
from hub.events.event import Category, EventType, NewEvent

EVENTS = 100_000
GOAL_SECONDS, GOAL_MEBIBYTES = 60, 200
AT_ONCE = 1000
EVERY = 0.1
LONGEST = timedelta(minutes=10)
PUBLISHERS = ("ONE", "TWO", "THREE")
CATEGORIES = ("COURSE", "WORK", "EXAM", "OTHER")
TEMPLATE = (
    '{"email": "{{participant.email}}", "course": "{{course.title}}", "hours": {{hours}},'
    ' "completed": "{{@event.EventStartUtc}}", "reference": "{{@event.EventId}}"}'
)


async def main(*, quick: bool) -> None:
    """Publish, sync, and tell how long it took and how much it held."""
    count = 5_000 if quick else EVENTS
    port = free_port(HOST)
    url = f"http://{HOST}:{port}"
    async with (
        open_stage() as stage,
        started(*hub(), "sandbox", "--port", str(port), environ=stage.environ),
        stage.web() as web,
    ):
        await answers(f"{url}/counts")
        await _settle_in(stage, url)
        await _publish(stage, count)
        begun = held_by(web.pid)
        seconds, highest, told = await _sync(stage, web.pid)
    rows = sum(batch["rows"] for batch in told["batches"])
    if rows + told["skipped"] != count:
        raise AssertionError(f"{rows} rows and {told['skipped']} ignored are not {count}")
    facts = {
        "events": count,
        "rows": rows,
        "batches": len(told["batches"]),
        "seconds": round(seconds, 1),
        "events per second": round(count / seconds),
        "begun MiB": round(begun, 1),
        "highest MiB": round(highest, 1),
    }
    table(
        ["", "reached", "goal"],
        [("seconds", seconds, GOAL_SECONDS), ("MiB", highest, GOAL_MEBIBYTES)],
    )
    print(f"{facts['events per second']} events/s in {facts['batches']} batches")
    keep("sync", facts, quick=quick)


async def _settle_in(stage: Stage, url: str) -> None:
    registry = stage.registry
    await registry.programs.change(PROGRAM, {"lb_api_url": url, "lb_api_key": API_KEY}, by=USER)
    entries: dict[str, object] = {
        category: {"importProcessId": number, "batchRowTemplate": TEMPLATE}
        for number, category in enumerate(CATEGORIES[:-1], 1)
    }
    template = json.dumps({**entries, "*": {"action": "ignore"}})
    for publisher in PUBLISHERS:
        await registry.programs.create(publisher, publisher, by=USER)
        await registry.subscriptions.create(
            PROGRAM, publisher, sync_enabled=True, template=template, by=USER
        )


async def _publish(stage: Stage, count: int) -> None:
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        await stage.registry.events.add([_event(number) for number in numbers])


def _event(number: int) -> NewEvent:
    publisher = PUBLISHERS[number % len(PUBLISHERS)]
    content = {
        "participant": {"email": f"learner-{number % 5000}@example.org", "name": "Ann O'Brien"},
        "course": {"title": f'Safety "{number % 70}" & more', "uri": "https://example.org/c/1"},
        "hours": number % 40,
        "grades": [{"part": part, "score": 90 + part} for part in range(5)],
    }
    return NewEvent(
        f"{publisher}-{number}",
        publisher,
        EventType.AI_COMP_SUCCESS,
        f"learner-{number % 5000}",
        json.dumps(content),
        clock.now(),
        category=Category(CATEGORIES[number % len(CATEGORIES)]),
    )


async def _sync(stage: Stage, pid: int) -> tuple[float, float, dict[str, Any]]:
    loop = asyncio.get_running_loop()
    samples: list[float] = []
    looking = asyncio.create_task(_look(pid, samples))
    auth = httpx.BasicAuth(USER, await stage.api_key())
    async with httpx.AsyncClient(timeout=LONGEST.total_seconds(), trust_env=False) as client:
        begun = loop.time()
        answer = await client.post(
            f"{stage.web_url}/api/processEvents", params={"programId": PROGRAM}, auth=auth
        )
        seconds = loop.time() - begun
    looking.cancel()
    answer.raise_for_status()
    return seconds, max(samples), answer.json()


async def _look(pid: int, samples: list[float]) -> None:
    while True:
        samples.append(held_by(pid))
        await asyncio.sleep(EVERY)


if __name__ == "__main__":
    asyncio.run(main(quick=is_quick(__doc__)))
