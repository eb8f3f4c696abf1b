from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from hub.events.event import Event, EventType, NewEvent
from hub.registry.database import Database
from hub.registry.tables import EventRow


class RowEvents:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, event_id: str) -> Event | None:
        async with self._database.read() as session:
            row = await session.get(EventRow, event_id)
        return _event(row) if row else None

    async def read(
        self,
        publishers: Collection[str],
        *,
        after: datetime | None = None,
        until: datetime | None = None,
        event_type: EventType | None = None,
        limit: int,
    ) -> Sequence[Event]:
        query = (
            select(EventRow)
            .where(
                EventRow.publisher_program_id.in_(publishers),
                EventRow.created_at > after,
                EventRow.created_at <= until,
                EventRow.event_type == event_type,
            )
            .order_by(EventRow.created_at)
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_event(row) for row in (await session.scalars(query)).all()]


def _event(row: EventRow) -> Event:
    return Event(
        NewEvent(
            row.id,
            row.publisher_program_id,
            EventType(row.event_type),
            row.publisher_participant_id,
            row.event_data,
            row.starts_at,
            row.ends_at,
        ),
        row.created_at,
    )
