"""A Redis that runs out of memory: intake stops in time, and draining empties it."""

import pytest

from delivery.facts.errors import StoreFull
from delivery.facts.integration import Integration
from tests.fakes.statements import a_statement
from tests.journeys.world import World


@pytest.fixture
def bulky() -> dict[str, object]:
    return {"result": {"response": "x" * 20_000}}


async def limit_memory(world: World, extra: int) -> None:
    used = (await world.redis.info("memory"))["used_memory"]
    await world.redis.config_set("maxmemory", used + extra)


async def fill(world: World, acme: Integration, bulky: dict[str, object]) -> int:
    """Post until there is no room; give how many were taken."""
    for taken in range(1000):
        try:
            await world.headroom.look()
            await world.post(acme, a_statement(1 + taken, **bulky))
        except StoreFull:
            return taken
    pytest.fail("intake never stopped")


async def test_intake_stops_before_the_drains_have_no_room(
    world: World, bulky: dict[str, object]
) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 503})
    await world.post(acme, a_statement(0))
    try:
        await limit_memory(world, 6_000_000)

        taken = 1 + await fill(world, acme, bulky)
        world.sandbox.change({"statements": "ok"})
        await world.run(seconds=60)

        assert world.sandbox.lrs.held == taken
        await world.headroom.look()
        await world.post(acme, a_statement(2000))
        assert world.sandbox.lrs.held == taken + 1
    finally:
        await world.redis.config_set("maxmemory", 0)


async def test_a_redis_that_is_quite_full_takes_nothing_and_nothing_half(
    world: World, bulky: dict[str, object]
) -> None:
    acme = await world.add(enabled=False)
    try:
        await limit_memory(world, -1_000)
        posted = [a_statement(n, **bulky) for n in range(10)]

        with pytest.raises(StoreFull):
            await world.intake.accept(acme.id, posted)

        assert (await world.health(acme)).queued == 0
        assert await world.control.receipt(acme.id, posted[0].id) is None
    finally:
        await world.redis.config_set("maxmemory", 0)
