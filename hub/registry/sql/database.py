"""The one door to SQL: transactions, and the translation of a store that is away.

Everything above this module is the same on SQLite and PostgreSQL. On SQLite, writers take the
write lock when they begin, so that they queue instead of failing in the middle.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from hub.errors import RegistryUnavailable, UnstorableValue
from hub.registry.sql.deeds import Deeds
from hub.registry.sql.engines import IMMEDIATE, make_engine

LONGEST_SECONDS = 4.0
"""No transaction here is long; one that takes more than this waits for a store that is away."""

T = TypeVar("T")

AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError)


class Database:
    """The registry's SQL database. Connects when first used."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self._writing = self._engine.execution_options(**IMMEDIATE)
        is_sqlite = self._engine.dialect.name == "sqlite"
        self._turn: AbstractAsyncContextManager[None] = (
            asyncio.Lock() if is_sqlite else nullcontext()
        )
        self._deeds = Deeds(self._engine.url) if is_sqlite else None

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

    async def carry_out(self, deed: Callable[[Session], T]) -> T:
        """Carry out a transaction that waits for nothing but SQL, and commit it.

        The quick way for what is done often: on SQLite, all of it is one step on another thread,
        and others wait for the write lock no longer than SQLite works. A deed reads its results to
        their end. Raises RegistryUnavailable; what is given up so may still be committed, as when
        the answer to a commit is lost.
        """
        async with _translated(), self._turn:
            if self._deeds is not None:
                return await self._deeds.carry_out(deed)
            async with self._session(self._engine) as session:
                done = await session.run_sync(deed)
                await session.commit()
                return done

    @staticmethod
    def _session(engine: AsyncEngine) -> AsyncSession:
        # Rows are read after the commit; expired ones would go back to the database for it.
        return AsyncSession(engine, expire_on_commit=False)

    async def ping(self) -> None:
        """Ask the database for an answer; raise RegistryUnavailable if there is none."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        if self._deeds is not None:
            await self._deeds.close()
        await self._engine.dispose()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        # At the first cancellation the driver asks the server, politely and for long, to stop; a
        # server that is stalled never hears it. The second makes it hang up.
        async with asyncio.timeout(LONGEST_SECONDS + 0.25), asyncio.timeout(LONGEST_SECONDS):
            yield
    except AWAY as error:
        raise RegistryUnavailable(f"SQL is away: {_words(error)}") from error
    except DataError as error:
        raise UnstorableValue(_words(error)) from error


def _words(error: Exception) -> str:
    # Not str(error) of a DBAPIError: that repeats the statement.
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split()) or type(cause).__name__
