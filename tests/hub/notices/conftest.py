"""Programs with contacts, on a real registry."""

from collections.abc import AsyncIterator

import pytest

from hub.registry.parties.keys import Keys
from hub.registry.parties.notices import Notices
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from hub.registry.trust.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.pepper import FixedPepper

EMAILS = ("ops@acme.example",)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(sqlite_url: str, clock: FakeClock) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    programs = Programs(database, Vault([b"k" * 32]), clock)
    for program in ("ACME", "OTHER"):
        await programs.create(program, program.title(), technical_emails=EMAILS, by="test")
    yield database
    await database.close()


@pytest.fixture
def notices(database: Database, clock: FakeClock) -> Notices:
    return Notices(database, clock)


@pytest.fixture
def keys(database: Database, clock: FakeClock) -> Keys:
    return Keys(database, FixedPepper(b"p" * 32), clock)


@pytest.fixture
def leases(database: Database, clock: FakeClock) -> SqlLeases:
    return SqlLeases(database, clock)
