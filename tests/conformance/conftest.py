"""The real parts that the product is tried against, each started by the tests and stopped after."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from hub.registry.parties.integrations import NewIntegration
from hub.registry.sql.tables import Row
from tests.conformance.engine import NEW, Engine, open_engine
from tests.conformance.issuer import Issuer
from tests.conformance.running_ralph import CLIENT_ID, CLIENT_SECRET, Ralph, running_ralph
from tests.fakes.clock import FakeClock
from tests.fakes.contacts import FakeContacts
from tests.fakes.http_server import http_server
from tests.fakes.postgres import Postgres
from tests.fakes.token_server import Client


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
