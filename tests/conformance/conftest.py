"""The real parts that the product is tried against, each started by the tests and stopped after."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from hub.registry.integrations import NewIntegration
from hub.registry.migrate import migrate
from hub.registry.tables import Row
from tests.conformance.engine import NEW, Engine, open_engine
from tests.conformance.issuer import Issuer
from tests.conformance.running_ralph import CLIENT_ID, CLIENT_SECRET, Ralph, running_ralph
from tests.fakes.clock import FakeClock
from tests.fakes.contacts import FakeContacts
from tests.fakes.http_server import http_server
from tests.fakes.postgres import Postgres, running_postgres
from tests.fakes.token_server import Client


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("registry") / "migrated.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(migrated: Path, tmp_path: Path) -> str:
    """Make a database with all tables, and nothing in them."""
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'registry.db')}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start one PostgreSQL for the whole session."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """Make a database with all tables, to be emptied for each test."""
    name = postgres.create()
    asyncio.run(migrate(postgres.url(name)))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def registry_url(request: pytest.FixtureRequest) -> str:
    """Make a database with all tables, and nothing in them: the same tests on both."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: Postgres = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("migrated_postgres")
    server.empty(name, tables=list(Row.metadata.tables))
    return server.url(name)


@pytest.fixture
def contacts() -> FakeContacts:
    """Make a mailbox."""
    return FakeContacts()


@pytest_asyncio.fixture
async def engine(
    empty_valkey_url: str, sqlite_url: str, contacts: FakeContacts
) -> AsyncIterator[Engine]:
    """Open an engine on an empty Redis and an empty SQLite."""
    async with open_engine(empty_valkey_url, sqlite_url, contacts, FakeClock()) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    """Start an authorization server for the whole session."""
    lrs = Client(CLIENT_ID, CLIENT_SECRET)
    async with http_server() as server:
        yield Issuer(lrs=lrs, clock=FakeClock()).at(server)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ralph(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ralph]:
    """Start one ralph for the whole session; it believes the issuer."""
    async with running_ralph(tmp_path_factory.mktemp("ralph"), issuer=issuer.url) as lrs:
        yield lrs


@pytest_asyncio.fixture(loop_scope="session")
async def to_ralph(
    empty_valkey_url: str, sqlite_url: str, contacts: FakeContacts, issuer: Issuer, ralph: Ralph
) -> AsyncIterator[Engine]:
    """Open an engine whose clock is the issuer's, where the issuer knows the hub."""
    issuer.clients["hub"] = Client("hub", NEW.client_secret)
    async with open_engine(empty_valkey_url, sqlite_url, contacts, issuer.clock) as engine:
        yield engine


@pytest.fixture
def new(issuer: Issuer, ralph: Ralph) -> NewIntegration:
    """Describe an integration to ralph, as it should be."""
    return replace(
        NEW,
        statement_url=ralph.statement_url,
        authentication_url=f"{issuer.url}/token",
        scope="statements/write",
    )
