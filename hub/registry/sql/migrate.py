"""Bring a database's tables up to date.

Any number of processes may do so at once: the first takes the migration lock, the others wait
and find nothing left to do. All steps happen in one transaction, so a crash leaves the old tables.
"""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from hub.errors import RegistryTooNew, RegistryUnavailable
from hub.registry.sql.engines import IMMEDIATE, make_engine

LOCK_SECONDS = 60
POSTGRES_LOCK = 0x6C_68_75_62
"""Any number will do, as long as no other product in the same database takes the same."""


async def migrate(url: str) -> None:
    """Upgrade the database at `url` to the newest tables; create them if there are none."""
    engine = make_engine(url, patience_seconds=LOCK_SECONDS).execution_options(**IMMEDIATE)
    try:
        async with asyncio.timeout(LOCK_SECONDS), engine.begin() as connection:
            await connection.run_sync(upgrade)
    except CommandError as error:
        raise RegistryTooNew(f"cannot migrate: {error}") from error
    except (OperationalError, OSError, TimeoutError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise RegistryUnavailable(f"cannot migrate: {cause}") from error
    finally:
        await engine.dispose()


def upgrade(connection: Connection) -> None:
    """Upgrade over an open transaction, which the caller commits."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:lock)")
        connection.execute(lock, {"lock": POSTGRES_LOCK})
    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    folder = Path(__file__).parent / "migrations"
    # Alembic reads % as the start of an interpolation.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
