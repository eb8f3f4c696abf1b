"""Work goes on while its right is held, and no longer."""

import asyncio
from datetime import timedelta

import pytest

from hub.errors import LeaseLost
from hub.holding import while_held
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, SqlLeases
from tests.hub.conversion.world import World
from tests.waiting import until

SHORT = timedelta(milliseconds=30)
LONG = timedelta(hours=1)


class CountingLeases(SqlLeases):
    """Counts how often a right was renewed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self.renewed = 0

    async def renew(self, lease: SqlLease, ttl: timedelta) -> None:
        await super().renew(lease, ttl)
        self.renewed += 1


@pytest.fixture
def leases(world: World) -> CountingLeases:
    return CountingLeases(world.database, world.clock)


async def take(leases: SqlLeases) -> SqlLease:
    lease = await leases.take("conversion/ACME", LONG, holder="test")
    assert lease is not None
    return lease


async def test_a_right_is_renewed_while_the_work_goes_on(leases: CountingLeases) -> None:
    async def work() -> str:
        await until(lambda: leases.renewed >= 3)
        return "done"

    assert await while_held(leases, await take(leases), SHORT, work()) == "done"


async def test_quick_work_renews_nothing_and_its_error_is_its_own(leases: CountingLeases) -> None:
    async def work() -> None:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await while_held(leases, await take(leases), LONG, work())

    assert leases.renewed == 0


async def test_work_is_broken_off_when_the_right_is_lost(
    leases: CountingLeases, world: World
) -> None:
    ended: list[str] = []
    lease = await take(leases)

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("broken off")

    world.clock.move(hours=2)
    with pytest.raises(LeaseLost):
        await while_held(leases, lease, SHORT, work())

    assert ended == ["broken off"]


async def test_work_ends_with_those_who_wait_for_it(leases: CountingLeases) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(while_held(leases, await take(leases), LONG, work()))
    await began.wait()
    waiting.cancel()
    await asyncio.wait({waiting})

    assert waiting.cancelled()
    assert ended.is_set()
