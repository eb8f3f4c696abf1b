"""Work that goes on beside everything else, until it is told to end."""

import asyncio
from typing import TypeVar

T = TypeVar("T")

AGAIN_SECONDS = 1


async def cease(work: asyncio.Task[T]) -> None:
    """Cancel background work, and return when it has ended.

    More than once if need be: a wait within it may swallow a cancellation (Python 3.11).
    """
    while not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=AGAIN_SECONDS)
