"""What a process does by the clock, beside its work. Facts are elsewhere: an errand may be missed.

Each errand has a loop of its own, so that one that takes long delays no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from delivery.facts.errors import StoreUnavailable
from hub.errors import RegistryUnavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to do again and again. `every` is the pause between two rounds."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[object]]


async def run_errands(errands: Iterable[Errand]) -> None:
    """Run them all, for ever."""
    async with asyncio.TaskGroup() as group:
        for errand in errands:
            group.create_task(_repeat(errand))


async def _repeat(errand: Errand) -> None:
    while True:
        await asyncio.sleep(errand.every.total_seconds())
        try:
            await errand.run()
        except (StoreUnavailable, RegistryUnavailable) as error:
            log.warning("errand.postponed", errand=errand.name, error=str(error))
        except Exception:
            # The next round may go well; without the loop, none would.
            log.exception("errand.failed", errand=errand.name)
