"""What kills a process, or fails, at the n-th point that is passed: around stores and doors."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from delivery.intake import Taken
from hub.landing.spool import Spool
from hub.landing.store import Kept, Landing
from hub.registry.sql.database import Database
from hub.taking import Intake

T = TypeVar("T")
Raise = Callable[[], BaseException]


class Killed(BaseException):
    """The process is dead: nothing it does any more has an effect."""


class Fuse:
    """Raises at the n-th point that is passed, counted from 1; who is Killed stays dead."""

    def __init__(self, raise_: Raise = Killed, *, at: int) -> None:
        self._raise = raise_
        self._left = at

    @property
    def is_blown(self) -> bool:
        return self._left <= 0

    def pass_by(self) -> None:
        self._left -= 1
        if self._left == 0 or (self.is_blown and self._raise is Killed):
            raise self._raise()


class FusedDatabase(Database):
    """A database with a point before and after each transaction."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        self._fuse.pass_by()
        async with super().read() as session:
            yield session
        self._fuse.pass_by()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        self._fuse.pass_by()
        async with super().write() as session:
            yield session
        self._fuse.pass_by()

    async def carry_out(self, deed: Callable[[Session], T]) -> T:
        self._fuse.pass_by()
        done = await super().carry_out(deed)
        self._fuse.pass_by()
        return done


class FusedIntake:
    """A front door with a point before and after all that is taken in."""

    def __init__(self, intake: Intake, fuse: Fuse) -> None:
        self._intake = intake
        self._fuse = fuse

    async def accept(self, integration_id: IntegrationId, statements: Sequence[Statement]) -> Taken:
        self._fuse.pass_by()
        taken = await self._intake.accept(integration_id, statements)
        self._fuse.pass_by()
        return taken


class FusedLanding:
    """A landing store with a point before and after each look and deed."""

    def __init__(self, landing: Landing, fuse: Fuse) -> None:
        self._landing = landing
        self._fuse = fuse

    async def keep(self, key: str, spool: Spool) -> None:
        self._fuse.pass_by()
        await self._landing.keep(key, spool)
        self._fuse.pass_by()

    async def put(self, key: str, content: bytes) -> None:
        self._fuse.pass_by()
        await self._landing.put(key, content)
        self._fuse.pass_by()

    async def read(self, key: str, start: int, length: int) -> bytes:
        self._fuse.pass_by()
        return await self._landing.read(key, start, length)

    async def size(self, key: str) -> int:
        self._fuse.pass_by()
        return await self._landing.size(key)

    async def remove(self, key: str) -> None:
        self._fuse.pass_by()
        await self._landing.remove(key)
        self._fuse.pass_by()

    async def list(self, folder: str) -> AsyncIterator[Sequence[Kept]]:
        self._fuse.pass_by()
        async for some in self._landing.list(folder):
            yield some

    async def check(self) -> None:
        await self._landing.check()
