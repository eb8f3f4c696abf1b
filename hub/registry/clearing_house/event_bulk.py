"""Events by the hundred in one statement: what is there of these ids, and all of these rows.

PostgreSQL would parse and plan an INSERT for every row of many; it takes them as one JSON text
instead, and ids as one array. SQLite, in our own process, is as quick row by row.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.registry.clearing_house.event_rows import EVENTS
from hub.registry.sql.json_rows import inserting, is_postgresql, rows_of
from hub.registry.sql.tables import EventRow

AT_ONCE = 500
"""How many ids SQLite is asked for in one query."""
INSERT_ALL = text(inserting(EVENTS, "rows"))
FIND_ALL = text("SELECT id FROM events WHERE id = ANY(:ids)")


async def insert_rows(session: AsyncSession, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert these rows, as `row_of` makes them."""
    if not rows:
        return
    if is_postgresql(session):
        await session.execute(INSERT_ALL, {"rows": rows_of(rows)})
        return
    await session.execute(insert(EVENTS), rows)


async def ids_there(session: AsyncSession, ids: Sequence[str]) -> set[str]:
    """Say which of these ids events have."""
    if is_postgresql(session):
        return set((await session.execute(FIND_ALL, {"ids": list(ids)})).scalars())
    there: set[str] = set()
    for some in _in_lots(ids):
        there.update(await session.scalars(select(EventRow.id).where(EventRow.id.in_(some))))
    return there


def _in_lots(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
