"""Making completions of events: rendered by the template, then read."""

from collections.abc import Sequence
from typing import Protocol

from hub.conversion.reading import NoCompletion, read_completion
from hub.events.event import Event
from hub.templates.fault import TemplateFault
from hub.xapi.completion import Completion


class Renderer(Protocol):
    """Renders a template for events: for each, in order, the text of one object, or a fault."""

    async def render(
        self, template: str, events: Sequence[Event]
    ) -> Sequence[str | TemplateFault]: ...


async def make_completions(
    renderer: Renderer, template: str, events: Sequence[Event]
) -> list[Completion | NoCompletion]:
    """Make a completion of each event, in order, or say why there is none."""
    rows = await renderer.render(template, events)
    return [_read(row, event) for row, event in zip(rows, events, strict=True)]


async def objection(renderer: Renderer, template: str, events: Sequence[Event]) -> str | None:
    """Say what speaks against a template: that it makes a completion of none of these events.

    One that fails for some may still be right, for those are set aside and shown. None if nothing
    speaks against it; without any event, nothing does. Raises RendererDown.
    """
    made = await make_completions(renderer, template, events)
    reasons = [
        f"event {event.content.id}: {one.reason}"
        for one, event in zip(made, events, strict=True)
        if isinstance(one, NoCompletion)
    ]
    return reasons[0] if reasons and len(reasons) == len(events) else None


def _read(row: str | TemplateFault, event: Event) -> Completion | NoCompletion:
    if isinstance(row, TemplateFault):
        return NoCompletion(f"the template: {row}")
    return read_completion(row, event.content)
