"""Whose work is next: sources take turns, however much each of them has.

A file of a million rows of one source stands before no webhook of another. In the index of
what is due, the sources are found one by one, so that it does not matter how much each has.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, bindparam, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from hub.registry.sql.database import Database
from hub.registry.sql.tables import FileChunkRow, SourceFileRow

FEW = 5
"""So many sources are found at once: of the first ones others may take everything meanwhile."""


class RoundRobin:
    """The turns of the sources that have rows of one kind; `due` is when one of these is due."""

    def __init__(
        self,
        database: Database,
        row: type[FileChunkRow | SourceFileRow],
        due: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    ) -> None:
        self._database = database
        self._from_start = _with_something_due(row, due.key, true())
        self._after = _with_something_due(row, due.key, row.source_id > bindparam("after"))
        self._last: str | None = None

    async def next(self, now: datetime) -> Sequence[str]:
        """Give the sources whose turn it is, the next one first; empty if nothing is due."""
        found: list[str] = []
        async with self._database.read() as session:
            if self._last is not None:
                asked = {"now": now, "after": self._last}
                found += await session.scalars(self._after, asked)
            if len(found) < FEW:
                first = await session.scalars(self._from_start, {"now": now})
                found += [one for one in first if one not in found]
        if found:
            # Whoever asks meanwhile is told the others first.
            self._last = found[0]
        return found[:FEW]


def _with_something_due(
    row: type[FileChunkRow | SourceFileRow], due: str, where: ColumnElement[bool]
) -> Select[str]:
    """Find sources in the order of their ids: from one, the next one by the index."""
    has_work = getattr(row, due).is_not(None)
    first = select(row.source_id).where(has_work, where).order_by(row.source_id).limit(1)
    found = select(first.scalar_subquery().label("source_id")).cte("found", recursive=True)
    later, theirs = aliased(row), aliased(row)
    following = (
        select(later.source_id)
        .where(getattr(later, due).is_not(None), later.source_id > found.c.source_id)
        .order_by(later.source_id)
        .limit(1)
    )
    found = found.union_all(
        select(following.scalar_subquery()).where(found.c.source_id.is_not(None))
    )
    one_due = (
        select(theirs.source_id)
        .where(theirs.source_id == found.c.source_id, getattr(theirs, due) <= bindparam("now"))
        .limit(1)
    )
    # Not sorted: they are found in this order, and no more of them than are asked for. Of an
    # EXISTS, PostgreSQL would make a join, and then of all of them in any order.
    return select(found.c.source_id).where(one_due.scalar_subquery().is_not(None)).limit(FEW)
