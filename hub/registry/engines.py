"""How each of the two databases is set up. SQLite serves one machine, PostgreSQL many.

SQLite runs with a write-ahead log and full sync: what is committed is on disk.
"""

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from hub.errors import BadDatabaseUrl

CONNECT_SECONDS = 2
DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
IMMEDIATE = {"hub_begin": "BEGIN IMMEDIATE"}
"""Execution options of transactions that will write: SQLite then locks when they begin."""


def make_engine(url: str, *, patience_seconds: int = 3) -> AsyncEngine:
    """Make an engine for `sqlite:///path` or `postgresql://...`.

    `patience_seconds` bounds how long SQLite waits for another process's write lock, and how long
    PostgreSQL works on one statement, locks included.
    """
    target = _parse(url)
    if target.get_backend_name() == "sqlite":
        return _sqlite_engine(target, patience_seconds)
    return _postgres_engine(target, patience_seconds)


def _parse(url: str) -> URL:
    try:
        given = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the words of the cause may hold the password.
        raise BadDatabaseUrl("expected sqlite:///path or postgresql://...") from None
    driver = DRIVERS.get(given.drivername)
    if driver is None:
        raise BadDatabaseUrl(
            f"{given.drivername}:// is not supported; expected sqlite:///path or postgresql://..."
        )
    if given.drivername == "sqlite" and given.database in {None, "", ":memory:"}:
        raise BadDatabaseUrl("SQLite needs a file: sqlite:///path")
    return given.set(drivername=driver)


def _postgres_engine(target: URL, patience_seconds: int) -> AsyncEngine:
    engine = create_async_engine(
        target,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=CONNECT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            # A host that is gone acknowledges nothing: notice that, also on open connections.
            "tcp_user_timeout": CONNECT_SECONDS * 1000,
            "application_name": "learning-hub",
            # Poolers in front of PostgreSQL do not carry prepared statements from one to the next.
            "prepare_threshold": None,
        },
    )

    def begin(connection: Connection) -> None:
        # Local to the transaction, because poolers hand connections on as they are.
        # The second: a process that froze in the middle must not hold its locks for ever.
        # The third: in another zone, moments at the ends of the calendar could not be read.
        connection.exec_driver_sql(
            f"SET LOCAL statement_timeout = '{patience_seconds}s';"
            f" SET LOCAL idle_in_transaction_session_timeout = '{patience_seconds}s';"
            " SET LOCAL timezone = 'UTC'"
        )

    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _sqlite_engine(target: URL, patience_seconds: int) -> AsyncEngine:
    engine = create_async_engine(target, hide_parameters=True, pool_timeout=CONNECT_SECONDS)

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver would begin transactions by itself, too late and without the write lock.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {patience_seconds * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("hub_begin", "BEGIN")
    connection.exec_driver_sql(str(begin))
