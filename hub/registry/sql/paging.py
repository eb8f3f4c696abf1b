"""Lists, a page at a time: the one place where cursors are made and read.

A cursor is the sort key of the last row of a page, so rows that come or go meanwhile neither
repeat nor hide others.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from hub.errors import BadCursor

T = TypeVar("T")
U = TypeVar("U")
RowT = TypeVar("RowT", bound=DeclarativeBase)
Key = str | int | datetime
KeyColumn = (
    InstrumentedAttribute[str] | InstrumentedAttribute[int] | InstrumentedAttribute[datetime]
)


class Page(NamedTuple, Generic[T]):
    """Some of a list, and the cursor of what follows; None at the end."""

    items: tuple[T, ...]
    next: str | None

    def each(self, read: Callable[[T], U]) -> "Page[U]":
        """Return the same page with every row read by `read`."""
        return Page(tuple(read(row) for row in self.items), self.next)


async def read_page(
    session: AsyncSession,
    query: Select[RowT],
    *,
    by: Sequence[KeyColumn],
    cursor: str | None,
    limit: int,
    newest_first: bool = False,
) -> Page[RowT]:
    """Read the page of `query` after `cursor`, sorted by the columns `by`, which are unique."""
    if cursor is not None:
        query = query.where(_beyond(by, _decode(cursor, by), newest_first=newest_first))
    order = [column.desc() if newest_first else column.asc() for column in by]
    found = (await session.scalars(query.order_by(*order).limit(limit + 1))).all()
    rows = tuple(found[:limit])
    return Page(rows, cursor_behind(rows[-1], by) if len(found) > limit else None)


def _beyond(
    by: Sequence[KeyColumn], keys: Sequence[Key], *, newest_first: bool
) -> ColumnElement[bool]:
    first, key = by[0], keys[0]
    beyond = first < key if newest_first else first > key
    if len(by) == 1:
        return beyond
    return or_(beyond, and_(first == key, _beyond(by[1:], keys[1:], newest_first=newest_first)))


def cursor_behind(row: object, by: Sequence[KeyColumn]) -> str:
    """Give the cursor of what follows a row, or a record with the same names."""
    keys = [getattr(row, column.key) for column in by]
    plain = [key.isoformat() if isinstance(key, datetime) else key for key in keys]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(cursor: str, by: Sequence[KeyColumn]) -> list[Key]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        plain = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadCursor("this cursor is not one of ours") from error
    if not isinstance(plain, list) or len(plain) != len(by):
        raise BadCursor("this cursor belongs to another list")
    return [_key(value, column) for value, column in zip(plain, by, strict=True)]


def _key(value: object, column: KeyColumn) -> Key:
    wanted = column.type.python_type
    if wanted is int and type(value) is int and 0 <= value < 2**63:
        return value
    if wanted is str and isinstance(value, str):
        return value
    if wanted is datetime and isinstance(value, str):
        return _moment(value)
    raise BadCursor("this cursor belongs to another list")


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadCursor("this cursor is not one of ours") from error
    if moment.tzinfo is None:
        raise BadCursor("this cursor is not one of ours")
    return moment
