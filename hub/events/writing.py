"""Writes events as readers get them. Pure; PublisherEventData goes out as it came in."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from hub.events.event import Event


def write(event: Event) -> bytes:
    """Write one event as JSON."""
    return orjson.dumps(_members(event))


def write_page(events: Sequence[Event], following: str | None) -> bytes:
    """Write a page of events, and the cursor of what follows."""
    return orjson.dumps({"items": [_members(event) for event in events], "next": following})


def written(moment: datetime) -> str:
    """Write a moment in UTC, with its microseconds: what it is paged by must lose nothing."""
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _members(event: Event) -> dict[str, object]:
    content = event.content
    category = content.category
    return {
        "EventId": content.id,
        "EventType": content.type.value,
        "PublisherProgramId": content.publisher_program_id,
        "PublisherSystemId": content.publisher_system_id,
        "PublisherEventId": content.publisher_event_id,
        "PublisherParticipantId": content.publisher_participant_id,
        "PublisherEventCategory": (
            {"value": category.value, "label": category.label} if category else None
        ),
        "PublisherEventData": orjson.Fragment(content.data),
        "EventStartUtc": written(content.starts_at),
        "EventEndUtc": written(content.ends_at) if content.ends_at else None,
        "CreatedUtc": written(event.created_at),
    }
