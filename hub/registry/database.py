"""The one door to SQL: transactions, and the translation of a store that is away.

SQLite serves one machine, PostgreSQL many; everything above this module is the same on both.
SQLite runs with a write-ahead log and full sync (what is committed is on disk), and its writers
take the write lock when they begin, so that they queue instead of failing in the middle.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from sqlalchemy import URL, Connection, Engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from hub.errors import BadDatabaseUrl, RegistryUnavailable, UnstorableValue

CONNECT_SECONDS = 2
LONGEST_SECONDS = 4.0
"""No transaction here is long; one that takes more than this waits for a store that is away."""

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError)


class Database:
    """The registry's SQL database. Connects when first used."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self._writing = self._engine.execution_options(hub_begin="BEGIN IMMEDIATE")
        self._turn: AbstractAsyncContextManager[None] = (
            asyncio.Lock() if self._engine.dialect.name == "sqlite" else nullcontext()
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction that only reads."""
        async with _translated(), self._session(self._engine) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction that is committed at the end, or rolled back by an exception."""
        # SQLite has one writer; waiting here is fair, waiting in its busy handler is not.
        async with _translated(), self._turn, self._session(self._writing) as session:
            yield session
            await session.commit()

    @staticmethod
    def _session(engine: AsyncEngine) -> AsyncSession:
        # Rows are read after the commit; expired ones would go back to the database for it.
        return AsyncSession(engine, expire_on_commit=False)

    async def ping(self) -> None:
        """Ask the database for an answer; raise RegistryUnavailable if there is none."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()


def make_engine(url: str, *, busy_seconds: int = 3) -> AsyncEngine:
    """Make an engine for `sqlite:///path` or `postgresql://...`.

    `busy_seconds` is how long SQLite waits for another process's write lock.
    """
    target = _parse(url)
    if target.get_backend_name() == "sqlite":
        return _sqlite_engine(target, busy_seconds)
    return create_async_engine(
        target,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=CONNECT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "learning-hub",
            # Poolers in front of PostgreSQL do not carry prepared statements from one to the next.
            "prepare_threshold": None,
        },
    )


def _parse(url: str) -> URL:
    try:
        given = make_url(url)
    except ArgumentError:
        raise BadDatabaseUrl("expected sqlite:///path or postgresql://...") from None
    driver = DRIVERS.get(given.drivername)
    if driver is None:
        raise BadDatabaseUrl(
            f"{given.drivername}:// is not supported; expected sqlite:///path or postgresql://..."
        )
    if given.drivername == "sqlite" and given.database in {None, "", ":memory:"}:
        raise BadDatabaseUrl("SQLite needs a file: sqlite:///path")
    return given.set(drivername=driver)


def _sqlite_engine(target: URL, busy_seconds: int) -> AsyncEngine:
    engine = create_async_engine(target, hide_parameters=True, pool_timeout=CONNECT_SECONDS)

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver would begin transactions by itself, too late and without the write lock.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {busy_seconds * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    sync_engine: Engine = engine.sync_engine
    event.listen(sync_engine, "connect", prepare)
    event.listen(sync_engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("hub_begin", "BEGIN")
    connection.exec_driver_sql(str(begin))


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            yield
    except AWAY as error:
        raise RegistryUnavailable(f"SQL is away: {_words(error)}") from error
    except DataError as error:
        raise UnstorableValue(_words(error)) from error


def _words(error: Exception) -> str:
    # Not str(error) of a DBAPIError: that repeats the statement.
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split()) or type(cause).__name__
