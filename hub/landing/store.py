"""What a landing store can do, wherever it is."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.landing.spool import Spool


@dataclass(frozen=True, slots=True)
class Kept:
    """A key under which something is kept, and when it was written."""

    key: str
    changed_at: datetime


class Landing(Protocol):
    """Keeps bytes under keys. A key is written once; the same bytes again do no harm.

    What reads takes a place, which is a key or a part of what is kept under one. Everything raises
    LandingUnavailable.
    """

    async def keep(self, key: str, spool: Spool) -> None:
        """Keep what a closed spool holds; when this returns, it is durable."""
        ...

    async def put(self, key: str, content: bytes) -> None:
        """Keep a few bytes; when this returns, they are durable."""
        ...

    async def read(self, place: str, start: int, length: int) -> bytes:
        """Give so many bytes from a place, or fewer at the end. Raises NotLanded."""
        ...

    async def size(self, place: str) -> int:
        """Give how many bytes there are. Raises NotLanded."""
        ...

    async def remove(self, key: str) -> None:
        """Forget a key; nothing happens if it is not there."""
        ...

    def list(self, folder: str) -> AsyncIterator[Sequence[Kept]]:
        """Go through what is kept right below a folder such as a day's, some at a time."""
        ...

    async def check(self) -> None:
        """Write, read and remove a few bytes, or raise what is in the way."""
        ...
