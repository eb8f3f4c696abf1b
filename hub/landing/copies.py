"""Copies of objects on this machine, for stores that cannot give a part of one.

A copy has no name: it is a file that is open and nowhere listed, so that its room is free again
when the process ends, however it ends.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

from hub.landing.spool import open_spool

MOST_COPIES = 4
MOST_BYTES = 4 * 1024 * 1024 * 1024
"""All together; the last one may have any size."""
LARGEST = 1 << 40
UNUSED = timedelta(minutes=10)


class Copies:
    """The copies of the objects read last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Copy] = {}
        self._turn = asyncio.Lock()

    async def read(
        self, key: str, stream: Callable[[], AsyncIterator[bytes]], start: int, length: int
    ) -> bytes:
        """Give some bytes of what is under a key; copy it first, if it is not there."""
        async with self._turn:
            now = asyncio.get_running_loop().time()
            copy = self._known.pop(key, None) or await self._made(stream)
            copy.used_at, self._known[key] = now, copy
            self._drop(now)
        return await asyncio.to_thread(copy.read, start, length)

    async def _made(self, stream: Callable[[], AsyncIterator[bytes]]) -> "_Copy":
        async with open_spool(self._folder, LARGEST) as spool:
            async for part in stream():
                await spool.write(part)
            await spool.close()
            # The spool takes its name away at its end; what is open stays.
            return _Copy(os.open(spool.path, os.O_RDONLY), spool.size)

    def _drop(self, now: float) -> None:
        oldest = [*self._known][:-1]
        for key in oldest:
            is_unused = now - self._known[key].used_at > UNUSED.total_seconds()
            size = sum(copy.size for copy in self._known.values())
            if is_unused or len(self._known) > MOST_COPIES or size > MOST_BYTES:
                del self._known[key]


class _Copy:
    """An open file. Closed when nobody has it any more: somebody may read while it is dropped."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.used_at = 0.0

    def read(self, start: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, start)

    def __del__(self) -> None:
        os.close(self._descriptor)
