"""Rows of events that have different templates: each template is rendered once for all of its."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from hub.events.event import Event
from hub.templates.template_map import ImportEntry


class Fault(Protocol):
    """What is wrong with a template, and where."""

    @property
    def detail(self) -> str: ...
    @property
    def line(self) -> int | None: ...
    @property
    def column(self) -> int | None: ...


Rendered = str | Fault


class Renderer(Protocol):
    """Where templates are rendered: one row for each event, in order, or what is wrong."""

    async def render(self, template: str, events: Sequence[Event]) -> Sequence[Rendered]: ...


async def render(
    renderer: Renderer, chosen: Sequence[tuple[Event, ImportEntry]]
) -> Sequence[Rendered]:
    """Render each event by its entry; the rows come in the order of the events."""
    by_template: dict[str, list[int]] = defaultdict(list)
    for number, (_, entry) in enumerate(chosen):
        by_template[entry.template].append(number)
    rows: dict[int, Rendered] = {}
    for template, numbers in by_template.items():
        made = await renderer.render(template, [chosen[number][0] for number in numbers])
        rows.update(zip(numbers, made, strict=True))
    return [rows[number] for number in range(len(chosen))]
