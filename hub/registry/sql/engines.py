"""How each of the two databases is set up. SQLite serves one machine, PostgreSQL many.

SQLite runs with a write-ahead log and full sync: what is committed is on disk.
"""

import sqlite3
import time

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError
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
PATIENCE_SECONDS = 3
FRESH_SECONDS = 1
"""How long after its last use a connection is used again without a look whether it is there."""
USED_AT = "hub_used_at"
LOOK_AGAIN_SECONDS = 0.001
"""How long a deed waits before it looks again whether the write lock is free."""


def make_engine(url: str, *, patience_seconds: int = PATIENCE_SECONDS) -> AsyncEngine:
    """Make an engine for `sqlite:///path` or `postgresql://...`.

    `patience_seconds` bounds how long SQLite waits for another process's write lock, and how long
    PostgreSQL works on one statement, locks included.
    """
    target = _parse(url)
    if target.get_backend_name() == "sqlite":
        return _sqlite_engine(target, patience_seconds)
    return _postgres_engine(target, patience_seconds)


def make_deeds_engine(url: URL) -> Engine:
    """Make the engine of deeds on SQLite, of which each takes the write lock when it begins.

    SQLite's own way to wait for the lock sleeps longer each time, up to 100 ms, while deeds of
    other processes come and go; a deed looks again and again.
    """
    engine = create_engine(url.set(drivername="sqlite"), hide_parameters=True)

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        _prepare_sqlite(connection, PATIENCE_SECONDS)
        # From here on: whoever opens a file that was left in a hurry waits for its recovery.
        _say(connection, "busy_timeout = 0")

    def begin(connection: Connection) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not _is_begun(connection, is_last=time.monotonic() >= until):
            time.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  on the thread of deeds, which has nothing else to do

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _is_begun(connection: Connection, *, is_last: bool) -> bool:
    try:
        connection.exec_driver_sql(IMMEDIATE["hub_begin"])
    except OperationalError as error:
        # The lowest byte; those above say more, such as that another has committed meanwhile.
        is_busy = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        if is_last or not is_busy:
            # Should the connection itself be in the way, by a result nobody read to its end, the
            # next deed has another one.
            connection.invalidate()
            raise
        return False
    return True


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
        # Transactions begin where we say so, with what goes with them in one message.
        isolation_level="AUTOCOMMIT",
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
            f"BEGIN; SET LOCAL statement_timeout = '{patience_seconds}s';"
            f" SET LOCAL idle_in_transaction_session_timeout = '{patience_seconds}s';"
            " SET LOCAL timezone = 'UTC'"
        )

    def look_after(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object
    ) -> None:
        """Replace a connection that has lain for a while, if the server has cut it."""
        if time.monotonic() - record.info.get(USED_AT, 0) < FRESH_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[USED_AT] = time.monotonic()

    event.listen(engine.sync_engine, "begin", begin)
    event.listen(engine.sync_engine, "checkout", look_after)
    event.listen(engine.sync_engine, "checkin", note)
    event.listen(engine.sync_engine, "connect", note)
    return engine


def _sqlite_engine(target: URL, patience_seconds: int) -> AsyncEngine:
    engine = create_async_engine(target, hide_parameters=True, pool_timeout=CONNECT_SECONDS)

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        _prepare_sqlite(connection, patience_seconds)

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, patience_seconds: int) -> None:
    # The driver would begin transactions by itself, too late and without the write lock.
    connection.isolation_level = None
    _say(connection, f"busy_timeout = {patience_seconds * 1000}")
    _say(connection, "journal_mode = WAL")
    _say(connection, "synchronous = FULL")
    _say(connection, "foreign_keys = ON")


def _say(connection: DBAPIConnection, pragma: str) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("hub_begin", "BEGIN")
    connection.exec_driver_sql(str(begin))
