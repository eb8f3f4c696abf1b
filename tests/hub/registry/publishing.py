"""Events that a program has published."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hub.events.event import EventType
from hub.registry.database import Database
from hub.registry.tables import EventClockRow, EventRow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def publish(
    database: Database,
    *event_ids: str,
    program: str = "ACME",
    type: EventType = EventType.AI_COMP_SUCCESS,  # noqa: A002
    data: str = "{}",
) -> Sequence[datetime]:
    async with database.write() as session:
        clock = await session.get(EventClockRow, 1, with_for_update=True)
        if clock is None:
            clock = EventClockRow(id=1, last_micros=int(START.timestamp() * 1e6))
            session.add(clock)
        moments = []
        for event_id in event_ids:
            clock.last_micros += 1
            moments.append(EPOCH + timedelta(microseconds=clock.last_micros))
            session.add(
                EventRow(
                    id=event_id,
                    publisher_program_id=program,
                    publisher_participant_id="ann",
                    event_type=type,
                    event_data=data,
                    starts_at=START,
                    created_at=moments[-1],
                )
            )
    return moments
