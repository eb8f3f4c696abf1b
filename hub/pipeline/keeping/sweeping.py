"""Sweeping: bytes that landed, and that no file names, because whoever landed them died then.

Files are landed under keys of their day and written down a moment later; nobody lands under a key
of a day that is over. So each day of each source is looked through once, when it has been over for
long: whatever no file names then, no file ever will.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

import structlog

from hub.errors import LeaseLost
from hub.holding import while_held
from hub.landing.place import folder_of, found_by, is_left_over, keys_of
from hub.landing.store import Kept, Landing
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.swept_days import SweptDays, Unswept, midnight
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLeases

AGE = timedelta(days=1)
"""So long a day must be over, and bytes must lie there, before they are looked at."""
MOST_DAYS = 2000
"""So many days of sources are looked through in one round; each is one listing, or a few."""
ASKED_AT_ONCE = 100
TTL = timedelta(seconds=30)
DAY = timedelta(days=1)

log = structlog.get_logger()


class Sweeping:
    """Sweeps the landing store, in one process at a time."""

    def __init__(
        self,
        days: SweptDays,
        files: SourceFiles,
        landing: Landing,
        leases: SqlLeases,
        clock: Clock,
        *,
        holder: str,
    ) -> None:
        self._days = days
        self._files = files
        self._landing = landing
        self._leases = leases
        self._clock = clock
        self._holder = holder

    async def run(self) -> None:
        """Sweep the days whose time has come. Raises RegistryUnavailable, LandingUnavailable."""
        lease = await self._leases.take("landing/sweep", TTL, holder=self._holder)
        if lease is None:
            return
        try:
            await while_held(self._leases, lease, TTL, self._sweep())
        except LeaseLost:
            log.warning("sweep.lost")
            return
        await self._leases.release(lease)

    async def _sweep(self) -> None:
        before = midnight(self._clock() - AGE)
        left, after = MOST_DAYS, ""
        while left > 0 and (due := await self._days.unswept(before=before, after=after)):
            for one in due:
                left -= await self._source(one, before, left)
            after = due[-1].source_id

    async def _source(self, due: Unswept, before: datetime, most: int) -> int:
        """Sweep some days of a source; say how many."""
        day, count = due.day, 0
        while day < before and count < most:
            if not await self._day(due.source_id, day):
                return count + 1
            day += DAY
            await self._days.note(due.source_id, swept_to=day)
            count += 1
        return count

    async def _day(self, source_id: str, day: datetime) -> bool:
        """Sweep a day; say whether all is swept, and nothing is to be looked at once more."""
        old = self._clock() - AGE
        removed = young = 0
        async for some in self._landing.list(folder_of(source_id, day.date())):
            for one in await self._unnamed(source_id, some):
                if one.changed_at > old:
                    young += 1
                    continue
                await self._landing.remove(one.key)
                removed += 1
        if removed:
            log.info("landing.swept", source=source_id, day=f"{day:%Y-%m-%d}", keys=removed)
        return not young

    async def _unnamed(self, source_id: str, some: Sequence[Kept]) -> Sequence[Kept]:
        found = [one for one in some if is_left_over(one.key)]
        for several in _in_parts([one for one in some if found_by(one.key) is not None]):
            by = [found_by(one.key) for one in several]
            places = await self._files.named(
                source_id,
                sha256s={one for one in by if isinstance(one, str)},
                moments={one for one in by if isinstance(one, datetime)},
            )
            named = {key for place in places for key in keys_of(place)}
            found += (one for one in several if one.key not in named)
        return found


def _in_parts(some: Sequence[Kept]) -> Iterator[Sequence[Kept]]:
    left = iter(some)
    while part := list(islice(left, ASKED_AT_ONCE)):
        yield part
