"""The door to SQL: what a transaction promises, and what is said when the store is away."""

import asyncio
import shutil
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hub.errors import BadDatabaseUrl, RegistryUnavailable, UnstorableValue
from hub.registry.sql import engines
from hub.registry.sql.database import Database
from hub.registry.sql.tables import ProgramRow
from tests.fakes.postgres import Postgres
from tests.hub.registry.examples import threads_of_sqlite_ended
from tests.hub.registry.moved_clock import MovedClock

NOON = datetime(2026, 11, 20, 12, 0, 0, 987654, tzinfo=UTC)


def a_row(program_id: str = "ACME", created_at: datetime = NOON) -> ProgramRow:
    return ProgramRow(id=program_id, name="Acme", created_at=created_at)


async def count(database: Database) -> int:
    async with database.read() as session:
        return (await session.scalars(select(func.count()).select_from(ProgramRow))).one()


async def test_what_was_written_is_committed_at_the_end(database: Database) -> None:
    async with database.write() as session:
        session.add(a_row())

    assert await count(database) == 1


async def test_an_exception_rolls_everything_back(database: Database) -> None:
    async def fail_halfway() -> None:
        async with database.write() as session:
            session.add(a_row())
            await session.flush()
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await fail_halfway()

    assert await count(database) == 0


async def test_a_deed_is_committed_and_gives_what_it_found(database: Database) -> None:
    def add(session: Session) -> str:
        session.add(a_row())
        return "added"

    assert await database.carry_out(add) == "added"
    assert await count(database) == 1


async def test_a_deed_that_fails_is_rolled_back(database: Database) -> None:
    def fail_halfway(session: Session) -> None:
        session.add(a_row())
        session.flush()
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await database.carry_out(fail_halfway)

    assert await count(database) == 0


async def test_deeds_and_writers_of_many_processes_queue(url: str) -> None:
    databases = [Database(url), Database(url)]

    def deed(number: int, session: Session) -> None:
        session.scalars(select(ProgramRow)).all()
        session.add(a_row(f"D{number}"))

    async def write(number: int) -> None:
        async with databases[number % 2].write() as session:
            await session.scalars(select(ProgramRow))
            session.add(a_row(f"W{number}"))

    await asyncio.gather(
        *(databases[number % 2].carry_out(partial(deed, number)) for number in range(40)),
        *(write(number) for number in range(40)),
    )

    assert await count(databases[0]) == 80
    for database in databases:
        await database.close()


async def test_writers_queue_instead_of_failing(url: str) -> None:
    # Two of them, as two processes would have, both reading before they write.
    databases = [Database(url), Database(url)]

    async def add(n: int) -> None:
        async with databases[n % 2].write() as session:
            await session.scalars(select(ProgramRow))
            session.add(a_row(f"P{n}"))

    await asyncio.gather(*(add(n) for n in range(40)))

    assert await count(databases[0]) == 40
    for database in databases:
        await database.close()


async def test_moments_come_back_aware_and_in_utc(database: Database) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    async with database.write() as session:
        session.add(a_row(created_at=elsewhere))

    async with database.read() as session:
        row = (await session.scalars(select(ProgramRow))).one()

    assert row.created_at == NOON
    assert row.created_at.tzinfo is UTC


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="a time without a zone"):
        async with database.write() as session:
            session.add(a_row(created_at=NOON.replace(tzinfo=None)))


async def test_sqlite_syncs_what_it_commits(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")

    async with database.read() as session:
        found = [
            (await session.scalars(text(f"PRAGMA {name}"))).one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert found == ["wal", 2, 1, 3000]
    await database.close()


async def test_postgres_refuses_a_value_it_cannot_hold(
    postgres: Postgres, migrated_postgres: str, clock: MovedClock
) -> None:
    database = Database(postgres.url(migrated_postgres))

    with pytest.raises(UnstorableValue, match="NUL"):
        async with database.write() as session:
            session.add(ProgramRow(id="ACME", name="a\0b", created_at=clock.now))

    await database.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/db", "mysql:// is not supported"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("nonsense", "expected sqlite:///path or postgresql"),
        ("postgresql://user:pass@host:port/db", "expected sqlite:///path or postgresql"),
        ("", "expected sqlite:///path or postgresql"),
    ],
)
def test_an_address_of_no_use_is_refused_with_words(url: str, words: str) -> None:
    with pytest.raises(BadDatabaseUrl, match=words) as refusal:
        Database(url)

    assert "pass" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
async def test_both_spellings_of_postgres_are_understood(postgres: Postgres, scheme: str) -> None:
    database = Database(postgres.url("postgres").replace("postgresql", scheme))

    await database.ping()

    await database.close()


async def test_a_refused_connection_means_the_registry_is_away() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    database = Database(f"postgresql://hub:hunter2@127.0.0.1:{port}/hub")

    with pytest.raises(RegistryUnavailable, match=r"SQL is away: .*refused") as away:
        await database.ping()

    assert "hunter2" not in str(away.value)
    await database.close()


async def test_a_missing_folder_means_the_registry_is_away(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none' / 'a.db'}")

    with pytest.raises(RegistryUnavailable, match="unable to open database file"):
        await database.ping()

    await database.close()
    await threads_of_sqlite_ended()


async def test_a_write_lock_that_is_never_given_up_means_the_registry_is_away(
    migrated: Path, tmp_path: Path
) -> None:
    path = shutil.copy(migrated, tmp_path / "locked.db")
    database = Database(f"sqlite:///{path}")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(RegistryUnavailable, match="database is locked"):
        async with database.write() as session:
            session.add(a_row())

    holder.execute("ROLLBACK")
    holder.close()
    assert await count(database) == 0
    await database.close()


async def test_a_deed_takes_the_write_lock_when_it_is_given_up(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(RegistryUnavailable, match="database is locked"):
        await database.carry_out(lambda session: session.add(a_row()))
    waiting = asyncio.create_task(database.carry_out(lambda session: session.add(a_row())))
    # A transaction that only reads goes on beside it, and so does the loop.
    assert await count(database) == 0
    holder.execute("ROLLBACK")
    holder.close()
    await waiting

    assert await count(database) == 1
    await database.close()


async def test_a_deed_that_left_a_result_unread_stands_in_no_other_way_for_long(
    sqlite_url: str,
) -> None:
    database = Database(sqlite_url)
    await database.carry_out(lambda session: session.add_all([a_row("ACME"), a_row("OTHER")]))
    left = await database.carry_out(lambda session: session.execute(select(ProgramRow.id)))
    async with database.write() as session:
        session.add(a_row("THIRD"))

    # The unread result holds on to what was there before the third.
    with pytest.raises(RegistryUnavailable, match="database is locked"):
        await database.carry_out(lambda session: session.add(a_row("FOURTH")))
    await database.carry_out(lambda session: session.add(a_row("FOURTH")))

    assert await count(database) == 4
    left.close()
    await database.close()


class Road:
    """A road to a TCP server that can freeze: what enters it then goes nowhere."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._meetings: set[asyncio.Future[None]] = set()
        self.port = 0

    def freeze(self) -> None:
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._meetings.add(asyncio.ensure_future(self._lead(reader, writer)))

    async def close(self) -> None:
        self.thaw()
        await asyncio.gather(*self._meetings)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while some := await reader.read(65536):
                await self._open.wait()
                writer.write(some)
                await writer.drain()
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def road_to(target: int) -> AsyncIterator[Road]:
    road = Road(target)
    server = await asyncio.start_server(road.meet, "127.0.0.1", 0)
    road.port = server.sockets[0].getsockname()[1]
    yield road
    await road.close()
    server.close()


async def test_a_stalled_server_is_given_up_in_time_and_used_again_later(
    postgres: Postgres,
) -> None:
    async with road_to(postgres.port) as road:
        database = Database(f"postgresql://hub@127.0.0.1:{road.port}/postgres")
        await database.ping()

        road.freeze()
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable):
            await database.ping()
        assert time.monotonic() - began < 5
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="timeout"):
            await database.ping()
        assert time.monotonic() - began < 3

        road.thaw()
        await database.ping()
        await database.close()


async def test_connections_that_the_server_cut_are_replaced_unnoticed(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All connections have lain for as long as it takes to look after them.
    monkeypatch.setattr(engines, "FRESH_SECONDS", 0)
    name = postgres.create()
    database = Database(postgres.url(name))
    await database.ping()
    postgres.cut(name)

    await database.ping()

    await database.close()
    postgres.drop(name)


async def test_a_connection_cut_while_it_is_busy_fails_once(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "FRESH_SECONDS", 1000)
    name = postgres.create()
    database = Database(postgres.url(name))
    await database.ping()
    postgres.cut(name)

    with pytest.raises(RegistryUnavailable, match="terminating connection"):
        await database.ping()
    await database.ping()

    await database.close()
    postgres.drop(name)


async def test_a_closed_database_can_be_closed_again(database: Database) -> None:
    await database.ping()

    await database.close()
    await database.close()
