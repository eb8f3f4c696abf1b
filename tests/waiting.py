"""Waiting for a condition, with a bound; the only pause a test may make."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(
    holds: Callable[[], bool | Awaitable[bool]], *, within: float = 10, what: str = "it"
) -> None:
    """Return as soon as the condition holds; fail after `within` seconds."""
    try:
        async with asyncio.timeout(within):
            while not await _asked(holds):  # noqa: ASYNC110 - other processes set no events
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what} did not hold within {within} s") from None


async def _asked(holds: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = holds()
    return answer if isinstance(answer, bool) else await answer
