"""Renders templates, whatever they are: in child processes, within bounds of time and memory.

The engine bounds each row by itself. Should it fail to, because of a fault of its own, the child is
ended, and the rows are tried by halves until the one that did it stands alone.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import orjson

from hub.events.event import Event
from hub.events.writing import members
from hub.templates.fault import TemplateFault
from hub.templates.press import ChildLost, Press

WITHIN = timedelta(seconds=20)
"""One question, all in all; the engine's own bounds are far below."""
CHILDREN = 2
AT_ONCE, BYTES_AT_ONCE = 500, 2 * 1024 * 1024
LONGEST_TEMPLATE = 64 * 1024
TRIES = 2
EVENT_FIELD = re.compile(r"@event\.(\w+)")
PRECISE = re.compile(r"[0-9](?:[0-9]{15}|\.?[eE])")
"""Numbers that JavaScript might round; in texts it may find others, which does no harm."""

Rendered = str | TemplateFault


class _Told(msgspec.Struct):
    row: str | None = None
    detail: str = ""
    line: int | None = None
    column: int | None = None
    made: str | None = None

    def read(self) -> Rendered:
        if self.row is not None:
            return self.row
        return TemplateFault(self.detail, self.line, self.column, self.made)


_rows = msgspec.json.Decoder(list[_Told])
_verdict = msgspec.json.Decoder(_Told | None)


class Renderer:
    """Renders for one process. Its children start when they are needed, and end with `close`."""

    def __init__(self, within: timedelta = WITHIN) -> None:
        self._presses = [Press() for _ in range(CHILDREN)]
        self._idle: asyncio.LifoQueue[Press] = asyncio.LifoQueue()
        for press in self._presses:
            self._idle.put_nowait(press)
        self._within = within

    async def close(self) -> None:
        """End the children."""
        for press in self._presses:
            await press.end()

    async def check(self, template: str, examples: Sequence[Event] = ()) -> TemplateFault | None:
        """Say what is wrong with a template, if anything is.

        It is compiled, and tried on the examples; without any, on a made-up event in which every
        field exists, and is 1. Raises RendererDown.
        """
        if len(template) > LONGEST_TEMPLATE:
            return TemplateFault(f"must have at most {LONGEST_TEMPLATE} characters")
        compiled = await self._compile(template)
        if compiled is not None:
            return compiled
        tried = [_written(event, _wanted(template)) for event in examples] or [_MADE_UP]
        for number, made in enumerate(await self._render(template, tried)):
            if isinstance(made, TemplateFault):
                return made if not examples else _of_event(made, examples[number])
        return None

    async def render(self, template: str, events: Sequence[Event]) -> Sequence[Rendered]:
        """Make a row of each event, JSON on one line, or say what is wrong. Raises RendererDown."""
        if len(template) > LONGEST_TEMPLATE:
            fault = TemplateFault(f"must have at most {LONGEST_TEMPLATE} characters")
            return [fault for _ in events]
        rows: list[Rendered] = []
        wanted = _wanted(template)
        lots = _lots([_written(event, wanted) for event in events])
        for made in await asyncio.gather(*(self._render(template, lot) for lot in lots)):
            rows += made
        return rows

    async def _compile(self, template: str) -> TemplateFault | None:
        try:
            answer = await self._ask({"template": template})
        except ChildLost:
            return TemplateFault("ends the process that compiles it")
        told = _verdict.decode(answer)
        return TemplateFault(told.detail, told.line, told.column) if told else None

    async def _render(self, template: str, rows: Sequence[bytes]) -> list[Rendered]:
        question = {"template": template, "rows": [orjson.Fragment(row) for row in rows]}
        for _ in range(TRIES):
            try:
                answer = await self._ask(question)
            except ChildLost:
                continue
            return [told.read() for told in _rows.decode(answer)]
        if len(rows) == 1:
            return [TemplateFault("ends the process that renders it")]
        middle = len(rows) // 2
        return [
            *await self._render(template, rows[:middle]),
            *await self._render(template, rows[middle:]),
        ]

    async def _ask(self, question: object) -> bytes:
        # The one that was used last: the other is started only when both are needed.
        press = await self._idle.get()
        try:
            return await press.ask(orjson.dumps(question), self._within)
        finally:
            self._idle.put_nowait(press)


_MADE_UP = orjson.dumps(
    {
        "any": True,
        "event": {
            "EventId": "PUBLISHER-1",
            "EventType": "AI_COMP_SUCCESS",
            "PublisherProgramId": "PUBLISHER",
            "PublisherSystemId": "LB",
            "PublisherEventId": "AI:1",
            "PublisherParticipantId": "ann@example.org",
            "PublisherEventCategory": {"value": "COURSE", "label": "A course"},
            "EventStartUtc": "2026-01-31T12:00:00.000000Z",
            "EventEndUtc": "2026-01-31T12:30:00.000000Z",
            "CreatedUtc": "2026-01-31T13:00:00.000000Z",
        },
    }
)


def _wanted(template: str) -> frozenset[str] | None:
    """Say which of the event's own fields a template asks for; None when it may be any."""
    named = EVENT_FIELD.findall(template)
    return frozenset(named) if len(named) == template.count("@event") else None


def _written(event: Event, wanted: frozenset[str] | None) -> bytes:
    """Write an event for the child: its data, which is the template's root, and its own fields.

    The engine reads JSON slowly, so what is not wanted is left out.
    """
    text = event.content.data
    data = {"exact": text} if PRECISE.search(text) else {"data": orjson.Fragment(text)}
    return orjson.dumps(data | {"event": members(event, wanted)})


def _lots(rows: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start, size = 0, 0
    for number, row in enumerate(rows):
        size += len(row)
        if number > start and (number - start == AT_ONCE or size > BYTES_AT_ONCE):
            yield rows[start:number]
            start, size = number, len(row)
    if rows:
        yield rows[start:]


def _of_event(fault: TemplateFault, event: Event) -> TemplateFault:
    return replace(fault, detail=f"{fault.detail}; tried on {event.content.id}")
