"""Events as rows. Rows by the thousand are read and written as plain tuples, not as objects."""

from collections.abc import Mapping
from datetime import datetime

from hub.events.event import Category, Event, EventType, NewEvent
from hub.registry.sql.tables import EventRow, Row

EVENTS = Row.metadata.tables[EventRow.__tablename__]
"""As a plain table: rows by the thousand need not become objects first."""
TYPES = {kind.value: kind for kind in EventType}
COLUMNS = (
    EVENTS.c.id,
    EVENTS.c.publisher_program_id,
    EVENTS.c.event_type,
    EVENTS.c.publisher_participant_id,
    EVENTS.c.event_data,
    EVENTS.c.starts_at,
    EVENTS.c.ends_at,
    EVENTS.c.publisher_system_id,
    EVENTS.c.publisher_event_id,
    EVENTS.c.category_value,
    EVENTS.c.category_label,
    EVENTS.c.created_at,
)
"""In the order in which `event_of` takes them."""

EventTuple = tuple[
    str,
    str,
    str,
    str,
    str,
    datetime,
    datetime | None,
    str | None,
    str | None,
    str | None,
    str | None,
    datetime,
]


def event_of(row: EventTuple) -> Event:
    """Read a row of COLUMNS."""
    category_value, category_label = row[9], row[10]
    content = NewEvent(
        id=row[0],
        publisher_program_id=row[1],
        type=TYPES[row[2]],
        publisher_participant_id=row[3],
        data=row[4],
        starts_at=row[5],
        ends_at=row[6],
        publisher_system_id=row[7],
        publisher_event_id=row[8],
        category=None if category_value is None else Category(category_value, category_label),
    )
    return Event(content, created_at=row[11])


def row_of(event: NewEvent, created_at: datetime) -> Mapping[str, object]:
    """Write an event as the values of a row."""
    category = event.category
    return {
        "id": event.id,
        "publisher_program_id": event.publisher_program_id,
        "publisher_system_id": event.publisher_system_id,
        "publisher_event_id": event.publisher_event_id,
        "publisher_participant_id": event.publisher_participant_id,
        "event_type": event.type.value,
        "category_value": category.value if category else None,
        "category_label": category.label if category else None,
        "event_data": event.data,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "created_at": created_at,
    }
