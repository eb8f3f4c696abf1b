"""SqlLeases: the right to do something alone for a while, for work whose facts live in SQL.

Every holder gets a higher token than the one before. A write that depends on the right calls
`require` in its own transaction, so a holder that was too slow changes nothing.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import LeaseLost
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.tables import LeaseRow


@dataclass(frozen=True, slots=True)
class SqlLease:
    """A right that was taken."""

    name: str
    token: int


class SqlLeases:
    """All leases. A name says what is done alone, such as `sync/ACME`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def take(self, name: str, ttl: timedelta, *, holder: str) -> SqlLease | None:
        """Take the right for `ttl`; None if another has it. `holder` is for people who look."""
        try:
            async with self._database.write() as session:
                return await self._take(session, name, ttl, holder)
        except IntegrityError:
            # Two took a name that nobody had ever taken; the other was first.
            return None

    async def _take(
        self, session: AsyncSession, name: str, ttl: timedelta, holder: str
    ) -> SqlLease | None:
        now = self._clock()
        row = await session.get(LeaseRow, name, with_for_update=True)
        if row is None:
            session.add(LeaseRow(name=name, token=1, holder=holder, until=now + ttl))
            await session.flush()
            return SqlLease(name, 1)
        if row.until > now:
            return None
        row.token += 1
        row.holder, row.until = holder, now + ttl
        return SqlLease(name, row.token)

    async def renew(self, lease: SqlLease, ttl: timedelta) -> None:
        """Hold a right longer. Raises LeaseLost, also when it lapsed and nobody took it since."""
        now = self._clock()
        mine = update(LeaseRow).where(
            LeaseRow.name == lease.name, LeaseRow.token == lease.token, LeaseRow.until > now
        )
        async with self._database.write() as session:
            found = await session.scalar(mine.values(until=now + ttl).returning(LeaseRow.name))
        if found is None:
            raise LeaseLost(f"the lease {lease.name} is no longer held")

    async def release(self, lease: SqlLease) -> None:
        """Give a right back; nothing happens if it is no longer held."""
        mine = update(LeaseRow).where(LeaseRow.name == lease.name, LeaseRow.token == lease.token)
        async with self._database.write() as session:
            await session.execute(mine.values(until=self._clock()))


async def require(session: AsyncSession, lease: SqlLease) -> None:
    """Raise LeaseLost unless the right is still the newest; lock it until the transaction ends."""
    token = await session.scalar(
        select(LeaseRow.token).where(LeaseRow.name == lease.name).with_for_update()
    )
    if token != lease.token:
        raise LeaseLost(f"the lease {lease.name} is no longer held")
