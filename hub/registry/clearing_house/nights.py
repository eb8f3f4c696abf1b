"""Which programs are due for their nightly sync, and who has taken one up.

A night is claimed by moving `next_sync_at` a little on. If the claimant dies, it is due again by
then; when the run has ended, the claimant puts it off to the night that follows, or to the next
try. Whoever sets the schedule of the program meanwhile wins over all of this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.nightly import Nightly
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.tables import ProgramRow

RESUMED_AFTER = timedelta(minutes=1)
"""A claimed night is due again after this: longer than the lease of a run that died."""


@dataclass(frozen=True, slots=True)
class Due:
    """A program whose time has come, as it was seen."""

    program_id: str
    at: datetime
    time_of_day: str
    zone: str

    def next_night(self, after: datetime) -> datetime:
        """Tell when it is due next. Raises ValueError if nobody knows the zone any more."""
        return Nightly(time.fromisoformat(self.time_of_day), self.zone).next_run(after)


class Nights:
    """The schedule of all programs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def due(self, limit: int) -> Sequence[Due]:
        """Return the programs that are due, longest first."""
        query = (
            select(ProgramRow)
            .where(ProgramRow.next_sync_at <= self._clock(), ProgramRow.nightly_at.is_not(None))
            .order_by(ProgramRow.next_sync_at, ProgramRow.id)
            .limit(limit)
        )
        async with self._database.read() as session:
            return [due for row in await session.scalars(query) if (due := _due(row))]

    async def put_off(self, program_id: str, seen: datetime, until: datetime) -> bool:
        """Let a program be due at `until`, unless somebody changed what was seen."""
        async with self._database.write() as session:
            return await _put_off(session, program_id, seen, until)


async def claim(session: AsyncSession, due: Due, now: datetime) -> bool:
    """Take a night up in the transaction that begins its run; False if another has done so."""
    return await _put_off(session, due.program_id, due.at, claimed_until(now))


def claimed_until(now: datetime) -> datetime:
    """Tell when a night that is claimed now is due again."""
    return now + RESUMED_AFTER


async def _put_off(session: AsyncSession, program_id: str, seen: datetime, until: datetime) -> bool:
    found = await session.scalar(
        update(ProgramRow)
        .where(ProgramRow.id == program_id, ProgramRow.next_sync_at == seen)
        .values(next_sync_at=until)
        .returning(ProgramRow.id)
    )
    return found is not None


def _due(row: ProgramRow) -> Due | None:
    if row.next_sync_at is None or row.nightly_at is None or row.nightly_zone is None:
        return None
    return Due(row.id, row.next_sync_at, row.nightly_at, row.nightly_zone)
