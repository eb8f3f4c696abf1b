"""Deeds: transactions that are carried out whole, on the one thread that writes to SQLite.

Statement by statement, each would go to a thread and back, many times, and all that while other
processes would wait for the write lock.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import URL
from sqlalchemy.orm import Session

from hub.registry.sql.engines import make_deeds_engine

T = TypeVar("T")


class Deeds:
    """Carries deeds out, one after the other. Raises what SQLAlchemy raises."""

    def __init__(self, url: URL) -> None:
        self._engine = make_deeds_engine(url)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="deeds")

    async def carry_out(self, deed: Callable[[Session], T]) -> T:
        """Carry one out and commit it; what it raises rolls everything back."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, deed)

    async def close(self) -> None:
        """Wait for the one that is under way, and close the connection."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    def _do(self, deed: Callable[[Session], T]) -> T:
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            return deed(session)
