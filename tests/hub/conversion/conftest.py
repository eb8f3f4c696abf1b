"""A world for each test: a real registry on SQLite, real delivery on a fake Redis."""

from collections.abc import AsyncIterator

import fakeredis
import pytest

from hub.registry.sql.database import Database
from tests.hub.conversion.world import World


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    database = Database(sqlite_url)
    redis = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())
    world = World(database, redis)
    await world.furnish()
    yield world
    await redis.aclose()
    await database.close()
