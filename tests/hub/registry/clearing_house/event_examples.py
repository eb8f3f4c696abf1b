"""Events to try things with."""

from datetime import UTC, datetime

from hub.events.event import Category, EventType, NewEvent

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def an_event(
    event_id: str,
    *,
    publisher: str = "ACME",
    event_type: EventType = EventType.AI_COMP_SUCCESS,
    category: str | None = None,
    data: str = "{}",
) -> NewEvent:
    return NewEvent(
        id=event_id,
        publisher_program_id=publisher,
        type=event_type,
        publisher_participant_id="ann@example.org",
        data=data,
        starts_at=START,
        category=None if category is None else Category(category),
    )
