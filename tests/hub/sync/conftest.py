"""A world on SQLite, with a LearningBuilder in process; copies of it, where a test wants many."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from config.sandbox.in_process import InProcess
from config.sandbox.state import Sandbox
from hub.registry.database import Database
from hub.registry.migrate import migrate
from tests.fakes.clock import FakeClock
from tests.hub.sync.world import TEMPLATE, World


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sync") / "migrated.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(clock)


@pytest.fixture
def database_url(migrated: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'registry.db')}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=InProcess(sandbox)) as client:
        yield client


@pytest.fixture
async def world(
    database: Database, clock: FakeClock, sandbox: Sandbox, client: httpx.AsyncClient
) -> World:
    """Make a program that is subscribed to two publishers, ONE and TWO."""
    world = World(database, clock, sandbox, client)
    await world.settle_in({"ONE": TEMPLATE, "TWO": TEMPLATE})
    return world
