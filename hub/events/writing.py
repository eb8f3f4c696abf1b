"""Writes events as readers get them. Pure; PublisherEventData goes out as it came in."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import orjson

from hub.events.event import Event


def write(event: Event) -> bytes:
    """Write one event as JSON."""
    return orjson.dumps(_whole(event))


def write_page(events: Sequence[Event], following: str | None) -> bytes:
    """Write a page of events, and the cursor of what follows."""
    return orjson.dumps({"items": [_whole(event) for event in events], "next": following})


def written(moment: datetime) -> str:
    """Write a moment of UTC, with its microseconds: what it is paged by must lose nothing."""
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def members(event: Event, wanted: Collection[str] | None = None) -> dict[str, object]:
    """Give an event's own fields, all or those that are wanted; not the publisher's data."""
    names = FIELDS if wanted is None else FIELDS.keys() & wanted
    return {name: FIELDS[name](event) for name in names}


def _category(event: Event) -> Mapping[str, str | None] | None:
    category = event.content.category
    return {"value": category.value, "label": category.label} if category else None


def _end(event: Event) -> str | None:
    return written(event.content.ends_at) if event.content.ends_at else None


FIELDS: Mapping[str, Callable[[Event], object]] = {
    "EventId": lambda event: event.content.id,
    "EventType": lambda event: event.content.type.value,
    "PublisherProgramId": lambda event: event.content.publisher_program_id,
    "PublisherSystemId": lambda event: event.content.publisher_system_id,
    "PublisherEventId": lambda event: event.content.publisher_event_id,
    "PublisherParticipantId": lambda event: event.content.publisher_participant_id,
    "PublisherEventCategory": _category,
    "EventStartUtc": lambda event: written(event.content.starts_at),
    "EventEndUtc": _end,
    "CreatedUtc": lambda event: written(event.created_at),
}


def _whole(event: Event) -> dict[str, object]:
    # Spelled out, for pages have thousands of them.
    content = event.content
    return {
        "EventId": content.id,
        "EventType": content.type.value,
        "PublisherProgramId": content.publisher_program_id,
        "PublisherSystemId": content.publisher_system_id,
        "PublisherEventId": content.publisher_event_id,
        "PublisherParticipantId": content.publisher_participant_id,
        "PublisherEventCategory": _category(event),
        "EventStartUtc": written(content.starts_at),
        "EventEndUtc": _end(event),
        "CreatedUtc": written(event.created_at),
        "PublisherEventData": orjson.Fragment(content.data),
    }
