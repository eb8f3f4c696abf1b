"""Paging through a stream, from the newest entry backwards."""

from collections.abc import Callable
from typing import TypeVar

from delivery.stores.store import Store

READ_AT_ONCE = 200

Fields = dict[bytes, bytes]
T = TypeVar("T")


async def page(
    store: Store,
    key: str,
    *,
    read: Callable[[str, Fields], T],
    keep: Callable[[T], bool],
    limit: int,
    before: str | None,
) -> tuple[list[T], str | None]:
    """Give the newest entries that `keep` allows, and the cursor of the next page, if any.

    `read` is given the place and the fields of an entry. The cursor is the place of the last entry
    that was given; `before` is such a cursor. Of a stream that is all wanted, no more is read.
    """
    found: list[T] = []
    upper, at_once = f"({before}" if before else "+", min(limit, READ_AT_ONCE)
    while True:
        entries = await store.entries(key, before=upper, limit=at_once)
        for place, fields in entries:
            entry = read(place, fields)
            if keep(entry):
                found.append(entry)
            if len(found) == limit:
                return found, place
            upper = f"({place}"
        if len(entries) < at_once:
            return found, None
        at_once = READ_AT_ONCE
