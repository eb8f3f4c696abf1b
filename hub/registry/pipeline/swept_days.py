"""How far the landing store is swept: day by day for each source, and each day once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import or_, select, update

from hub.registry.sql.database import Database
from hub.registry.sql.tables import SourceRow

AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Unswept:
    """A source, and the first of its days that is not swept."""

    source_id: str
    day: datetime
    """Its midnight."""


class SweptDays:
    """What is still to be swept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unswept(self, *, before: datetime, after: str = "") -> Sequence[Unswept]:
        """Give some sources with a day before a midnight that is not swept, by their ids.

        From a source that was deleted nothing has landed since.
        """
        row = SourceRow
        query = (
            select(row.id, row.swept_to, row.created_at)
            .where(
                row.id > after,
                row.created_at < before,
                or_(row.swept_to.is_(None), row.swept_to < before),
                or_(
                    row.deleted_at.is_(None),
                    row.swept_to.is_(None),
                    row.swept_to <= row.deleted_at,
                ),
            )
            .order_by(row.id)
            .limit(AT_ONCE)
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).all()
        return [Unswept(one.id, midnight(one.swept_to or one.created_at)) for one in found]

    async def note(self, source_id: str, *, swept_to: datetime) -> None:
        """Write down that all days of a source before a midnight are swept."""
        async with self._database.write() as session:
            await session.execute(
                update(SourceRow).where(SourceRow.id == source_id).values(swept_to=swept_to)
            )


def midnight(moment: datetime) -> datetime:
    """Give the beginning of a moment's day, as UTC counts days."""
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
