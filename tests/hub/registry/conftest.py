"""The registry under test: the same tests on SQLite and on a real PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.keys import Keys
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Providers
from hub.registry.sql.database import Database
from hub.registry.sql.tables import Row
from hub.registry.trust.audit import Audit
from hub.registry.trust.vault import Vault
from tests.fakes.pepper import FixedPepper
from tests.fakes.postgres import Postgres
from tests.hub.registry.moved_clock import MovedClock

SECRET_KEY = b"k" * 32
PEPPER = b"p" * 32


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Make a database without tables."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a database with all tables, and nothing in them."""
    if backend == "sqlite":
        yield str(request.getfixturevalue("sqlite_url"))
        return
    server: Postgres = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("migrated_postgres")
    # Ten times as quick as a new database, and as empty.
    server.empty(name, tables=list(Row.metadata.tables))
    yield server.url(name)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def vault() -> Vault:
    return Vault([SECRET_KEY])


@pytest.fixture
def programs(database: Database, vault: Vault, clock: MovedClock) -> Programs:
    return Programs(database, vault, clock)


@pytest.fixture
def keys(database: Database, clock: MovedClock) -> Keys:
    return Keys(database, FixedPepper(PEPPER), clock)


@pytest.fixture
def providers(database: Database, clock: MovedClock) -> Providers:
    return Providers(database, clock)


@pytest.fixture
def integrations(database: Database, vault: Vault, clock: MovedClock) -> IntegrationRegistry:
    return IntegrationRegistry(database, vault, clock)


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)
