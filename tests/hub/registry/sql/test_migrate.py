"""Migrations: they end at exactly the tables that the code knows, from wherever they start."""

import asyncio
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect, text

from hub.errors import RegistryTooNew, RegistryUnavailable
from hub.registry.sql.engines import make_engine
from hub.registry.sql.migrate import migrate
from hub.registry.sql.tables import Row
from tests.hub.registry.examples import threads_of_sqlite_ended

MIGRATE = """
import asyncio, sys
from hub.registry.sql.migrate import migrate
asyncio.run(migrate(sys.argv[1]))
"""


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Row.metadata))


def checks_found(connection: Connection) -> set[str | None]:
    found = inspect(connection)
    return {
        check["name"]
        for table in Row.metadata.tables
        for check in found.get_check_constraints(table)
    }


def checks_known() -> set[str]:
    return {
        str(constraint.name)
        for table in Row.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }


async def test_migrations_make_exactly_the_tables_of_the_code(empty_url: str) -> None:
    await migrate(empty_url)

    engine = make_engine(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        found = await connection.run_sync(checks_found)
    await engine.dispose()
    assert found == checks_known()


async def test_migrating_again_changes_nothing(empty_url: str) -> None:
    await migrate(empty_url)

    await migrate(empty_url)

    engine = make_engine(empty_url)
    async with engine.connect() as connection:
        versions = (await connection.scalars(text("SELECT version_num FROM alembic_version"))).all()
    await engine.dispose()
    assert versions == ["0007"]


async def test_processes_that_migrate_at_once_do_not_disturb_each_other(empty_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, empty_url)
        for _ in range(3)
    ]

    assert [await process.wait() for process in processes] == [0, 0, 0]


async def test_of_many_that_migrate_at_once_one_does_and_the_others_wait(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(8)))

    engine = make_engine(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_tables_of_a_later_version_are_left_alone(empty_url: str) -> None:
    await migrate(empty_url)
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()

    with pytest.raises(RegistryTooNew, match="9999"):
        await migrate(empty_url)


async def test_a_database_that_is_away_cannot_be_migrated() -> None:
    with pytest.raises(RegistryUnavailable, match="cannot migrate"):
        await migrate("sqlite:////nowhere/at/all.db")
    await threads_of_sqlite_ended()
