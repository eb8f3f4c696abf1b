"""Work that goes on only while a right is held."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import TypeVar

from hub.registry.leases import SqlLease, SqlLeases

T = TypeVar("T")

AGAIN_SECONDS = 1


async def while_held(
    leases: SqlLeases, lease: SqlLease, ttl: timedelta, work: Coroutine[object, object, T]
) -> T:
    """Do the work, and renew the right for `ttl` every third of it.

    Raises LeaseLost or RegistryUnavailable if that fails; the work is broken off then.
    """
    working = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({working}, timeout=ttl.total_seconds() / 3))[0]:
            await leases.renew(lease, ttl)
        return working.result()
    finally:
        await _break_off(working)


async def _break_off(working: asyncio.Task[T]) -> None:
    # More than once if need be: a wait within it may swallow a cancellation (Python 3.11).
    while not working.done():
        working.cancel()
        await asyncio.wait({working}, timeout=AGAIN_SECONDS)
    if not working.cancelled():
        # Asked for, or asyncio complains of an error that nobody looked at.
        working.exception()
