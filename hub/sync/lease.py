"""The right to sync a program, held for as long as a block runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from hub.background import cease
from hub.errors import LeaseLost, RegistryUnavailable, SyncRunning
from hub.registry.sql.leases import SqlLease, SqlLeases

LEASE = timedelta(seconds=30)
RENEWALS = 3
"""How often a lease is renewed in its time."""

log = structlog.get_logger()


@asynccontextmanager
async def holding(leases: SqlLeases, program_id: str, *, holder: str) -> AsyncIterator[SqlLease]:
    """Hold the right to sync a program. Raises SyncRunning.

    Should it be lost, the next write of the block raises LeaseLost. After a crash it lapses.
    """
    lease = await leases.take(f"sync/{program_id}", LEASE, holder=holder)
    if lease is None:
        raise SyncRunning(f"program {program_id} is being synced")
    renewing = asyncio.create_task(_renew(leases, lease))
    try:
        yield lease
    finally:
        await cease(renewing)
        await _release(leases, lease)


async def _renew(leases: SqlLeases, lease: SqlLease) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / RENEWALS)
        try:
            await leases.renew(lease, LEASE)
        except RegistryUnavailable as error:
            log.warning("lease.not_renewed", lease=lease.name, error=str(error))
        except LeaseLost:
            # The next write tells the run; there is nothing to stop before that.
            return


async def _release(leases: SqlLeases, lease: SqlLease) -> None:
    try:
        await leases.release(lease)
    except RegistryUnavailable as error:
        # It lapses by itself.
        log.warning("lease.not_released", lease=lease.name, error=str(error))
