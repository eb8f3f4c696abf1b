"""Events that a program has published."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hub.events.event import EventType, NewEvent
from hub.registry.clearing_house.events import Events
from hub.registry.sql.database import Database

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def publish(
    database: Database,
    *event_ids: str,
    program: str = "ACME",
    event_type: EventType = EventType.AI_COMP_SUCCESS,
    data: str = "{}",
) -> Sequence[datetime]:
    """Publish these, by a clock that stands at `START`; give when they were created."""
    events = Events(database, lambda: START)
    new = [NewEvent(one, program, event_type, "ann", data, START) for one in event_ids]
    await events.add(new)
    found = [await events.find(event_id) for event_id in event_ids]
    return [event.created_at for event in found if event is not None]
