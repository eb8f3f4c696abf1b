"""The nightly syncs: every worker looks who is due, and one of them takes each night up.

| what came of the run                         | due again                                  |
|----------------------------------------------|--------------------------------------------|
| all went through                             | the next night                             |
| LearningBuilder was away, or cut short       | in a quarter of an hour, or the next night |
| it refused, or a template failed             | the next night; somebody must change it    |
| its worker died                              | a minute after it began                    |
| somebody syncs the program at this moment    | as soon as that has ended                  |
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from hub.errors import HubError, NoLearningBuilder, SyncRunning
from hub.registry.clearing_house.nights import Due, Nights, claimed_until
from hub.registry.clearing_house.syncs import Trigger
from hub.registry.sql.clock import Clock
from hub.sync.report import SyncReport
from hub.sync.synchronizer import Order
from hub.sync.telling import Telling

AT_ONCE = 4
MOST_DUE = 1000
TRIED_AGAIN_AFTER = timedelta(minutes=15)
BY = "nightly"

RunSync = Callable[[Order], Awaitable[SyncReport]]

log = structlog.get_logger()


def next_attempt(due: Due, now: datetime, *, may_pass: bool) -> datetime:
    """Tell when a program is due after a run that ended now."""
    night = due.next_night(now)
    return min(night, now + TRIED_AGAIN_AFTER) if may_pass else night


class NightlySyncs:
    """Runs what is due."""

    def __init__(self, nights: Nights, run: RunSync, telling: Telling, clock: Clock) -> None:
        self._nights = nights
        self._run = run
        self._telling = telling
        self._clock = clock
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run_due(self) -> None:
        """Sync every program that is due, a few at a time; several workers may do this at once."""
        due = await self._nights.due(MOST_DUE)
        await asyncio.gather(*(self._take_up(one) for one in due))

    async def _take_up(self, due: Due) -> None:
        async with self._room:
            try:
                await self._sync(due)
            except SyncRunning:
                log.info("night.postponed", program=due.program_id)
            except HubError as error:
                log.warning("night.broken_off", program=due.program_id, error=str(error))
            except Exception:
                # One program's trouble must not keep the others from being synced.
                log.exception("night.failed", program=due.program_id)

    async def _sync(self, due: Due) -> None:
        try:
            report = await self._run(Order(due.program_id, Trigger.NIGHTLY, BY, due))
        except NoLearningBuilder as error:
            await self._telling.tell_missing(due.program_id, str(error))
            await self._nights.put_off(due.program_id, due.at, due.next_night(self._clock()))
            return
        await self._nights.put_off(
            due.program_id,
            claimed_until(report.sync.started_at),
            next_attempt(due, self._clock(), may_pass=report.may_pass),
        )
