"""Databases with all tables, for tests: a file of SQLite to be copied, and a PostgreSQL server."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.registry.sql.migrate import migrate
from tests.fakes.postgres import Postgres, running_postgres


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
