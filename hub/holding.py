"""Work that goes on only while a right is held."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import TypeVar

from hub.background import cease
from hub.registry.sql.leases import SqlLease, SqlLeases

T = TypeVar("T")


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
        await cease(working)
        if not working.cancelled():
            # Asked for, or asyncio complains of an error that nobody looked at.
            working.exception()
