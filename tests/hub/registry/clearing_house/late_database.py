"""Databases whose transactions do not end as they should: late, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from hub.errors import RegistryUnavailable
from hub.registry.sql.database import Database


class LateDatabase(Database):
    """Writes, and commits when it is let go."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.written = asyncio.Event()
        self.let_go = asyncio.Event()

    @override
    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            yield session
            self.written.set()
            await self.let_go.wait()


class FailingDatabase(Database):
    """Writes, and rolls every third transaction back instead of committing it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._numbers = count(1)

    @override
    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            yield session
            if next(self._numbers) % 3 == 0:
                raise RegistryUnavailable("rolled back")
