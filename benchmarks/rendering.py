"""Templates rendered: rows of about 800 bytes by seven helpers and fields, in one child process.

Beside it, what the engine alone makes of the same rows, without frames and pipes. A core's worth is
the CPU time that parent and child took together.
"""

import asyncio
import json
import os
import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.report import is_quick, keep, medians, table
from hub.events.event import Event, EventType, NewEvent
from hub.templates import renderer
from hub.templates.engine import Engine
from hub.templates.renderer import Renderer

ROWS, ROUNDS = 20_000, 5
GOAL = 8_000
TICKS = os.sysconf("SC_CLK_TCK")
TEMPLATE = (
    '{"Email": "{{lower email}}", "Course": "{{course.name}}", "Uri": "{{course.uri}}",'
    ' "Score": {{score}} , "When": "{{formatDate when "yyyy-MM-dd"}}", "Note": "{{note}}",'
    ' "Event": "{{@event.EventId}}"}'
)


async def main(*, quick: bool) -> None:
    """Render, and tell how quickly."""
    rows, rounds = (ROWS // 5, 2) if quick else (ROWS, ROUNDS)
    events = [_event(number) for number in range(rows)]
    alone, pressed, per_core = [], [], []
    # One child: two would share the cores with whatever else goes on here.
    renderer.CHILDREN = 1
    press = Renderer()
    await press.render(TEMPLATE, events[:500])
    for _ in range(rounds):
        alone.append(_engine_alone(events))
        began, cpu = time.perf_counter(), _cpu(press)
        made = await press.render(TEMPLATE, events)
        pressed.append(rows / (time.perf_counter() - began))
        per_core.append(rows / (_cpu(press) - cpu))
        if any(not isinstance(row, str) for row in made):
            raise AssertionError("every row is rendered")
    await press.close()
    rates = {"engine alone": alone, "with frames and pipes": pressed, "for a core": per_core}
    found = medians(rates)
    table(["rows/s, median", "reached", "goal"], [(n, found[n], GOAL) for n in rates])
    facts = {"rows": rows, "row bytes": len(str(made[0])), "medians": found, "rounds": rates}
    keep("rendering", facts, quick=quick)


def _event(number: int) -> Event:
    content = {
        "course": {"name": f"On Engines {number}", "uri": f"https://example.org/c/{number}"},
        "email": "Ann@Example.org",
        "score": 90 + number % 10,
        "when": "2026-01-31T12:00:00Z",
        "note": "x" * 500,
    }
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    new = NewEvent(
        f"ACME-{number}", "ACME", EventType.AI_COMP_SUCCESS, "ann", json.dumps(content), at
    )
    return Event(new, at)


def _engine_alone(events: Sequence[Event]) -> float:
    engine = Engine()
    lots = [
        [
            msgspec.Raw(
                b'{"data":%b,"event":{"EventId":"%b"}}'
                % (one.content.data.encode(), one.content.id.encode())
            )
            for one in events[start : start + renderer.AT_ONCE]
        ]
        for start in range(0, len(events), renderer.AT_ONCE)
    ]
    engine.render(TEMPLATE, lots[0])
    began = time.perf_counter()
    for lot in lots:
        engine.render(TEMPLATE, lot)
    return len(events) / (time.perf_counter() - began)


def _cpu(press: Renderer) -> float:
    """Give the CPU seconds of this process and of the children, who are not ended yet."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    for child in press._presses:  # noqa: SLF001 - to look at the children
        if child.pid:
            fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / TICKS
    return seconds


if __name__ == "__main__":
    asyncio.run(main(quick=is_quick(__doc__)))
