"""A world for each test: a real registry on SQLite, real delivery on a fake Redis."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import fakeredis
import pytest

from hub.registry.database import Database
from hub.registry.migrate import migrate
from tests.hub.conversion.world import World


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("conversion") / "migrated.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def url(migrated: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'registry.db')}"


@pytest.fixture
async def world(url: str) -> AsyncIterator[World]:
    database = Database(url)
    redis = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())
    world = World(database, redis)
    await world.furnish()
    yield world
    await redis.aclose()
    await database.close()
