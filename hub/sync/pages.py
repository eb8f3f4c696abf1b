"""Events, page by page: few at a time where they are large, so that memory stays bounded."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Protocol

from hub.events.event import Event

FIRST_PAGE, LARGEST_PAGE = 50, 500
BYTES_IN_PAGE = 4 * 1024 * 1024


class Events(Protocol):
    """Where events are read, in the order in which they were committed."""

    async def latest(self) -> datetime | None:
        """Tell the moment up to which everything is there; None before the first event."""
        ...

    async def read(
        self,
        publishers: Collection[str],
        *,
        after: datetime | None = None,
        until: datetime | None = None,
        limit: int,
    ) -> Sequence[Event]: ...


async def pages(
    events: Events, publisher: str, *, after: datetime | None, until: datetime
) -> AsyncIterator[Sequence[Event]]:
    """Go through a publisher's events later than `after`, up to and with `until`."""
    limit = FIRST_PAGE
    while page := await events.read([publisher], after=after, until=until, limit=limit):
        yield page
        if len(page) < limit:
            return
        after, limit = page[-1].created_at, next_limit(limit, _size(page))


def next_limit(limit: int, size: int) -> int:
    """Say how many to read next, when so many were `size` bytes: twice as many, if these fit."""
    fitting = BYTES_IN_PAGE * limit // max(size, 1)
    return max(1, min(limit * 2, fitting, LARGEST_PAGE))


def _size(page: Sequence[Event]) -> int:
    return sum(len(event.content.data) for event in page)
