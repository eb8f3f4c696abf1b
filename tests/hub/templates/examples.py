"""Events to render, and what comes of it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from hub.events.event import Category, Event, EventType, NewEvent
from hub.templates.fault import TemplateFault
from hub.templates.renderer import Renderer

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def an_event(data: object, *, number: int = 1, category: str | None = None) -> Event:
    """Give an event with this data; a text is taken for JSON as it stands."""
    content = NewEvent(
        id=f"ACME-{number}",
        publisher_program_id="ACME",
        type=EventType.AI_COMP_SUCCESS,
        publisher_participant_id="ann@example.org",
        data=data if isinstance(data, str) else json.dumps(data),
        starts_at=START,
        category=Category(category) if category else None,
    )
    return Event(content, created_at=START)


async def row(renderer: Renderer, template: str, data: object) -> str:
    """Render one event, which must go well."""
    (made,) = await renderer.render(template, [an_event(data)])
    assert isinstance(made, str), made
    return made


async def value(renderer: Renderer, expression: str, data: object) -> object:
    """Give what an expression comes to, as a JSON string."""
    return json.loads(await row(renderer, f'{{"value": "{expression}"}}', data))["value"]


async def fault(renderer: Renderer, template: str, data: object) -> TemplateFault:
    """Render one event, which must fail."""
    (made,) = await renderer.render(template, [an_event(data)])
    assert isinstance(made, TemplateFault), made
    return made


def faults(made: Sequence[str | TemplateFault]) -> list[int]:
    """Say which of the rows are faults."""
    return [number for number, one in enumerate(made) if isinstance(one, TemplateFault)]
