"""A world on SQLite, with a LearningBuilder in process; copies of it, where a test wants many."""

from collections.abc import AsyncIterator

import httpx
import pytest

from config.sandbox.in_process import InProcess
from config.sandbox.state import Sandbox
from hub.registry.sql.database import Database
from tests.fakes.clock import FakeClock
from tests.hub.sync.world import TEMPLATE, World


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(clock)


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
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
