"""The drains under way in this process.

A ring only starts a drain here and is then done with, so that slow servers hold up drains and never
the answering of rings.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial

import structlog

from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId

AT_ONCE = 2000

Stopping = Callable[[], bool]
Drain = Callable[[IntegrationId, Stopping], Awaitable[bool | None]]
"""Drains; True when it has rung for what is left, so that it need not be begun again here."""

log = structlog.get_logger()


class Running:
    """Starts drains, never two of one integration, and ends them in good order."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._drains: dict[IntegrationId, asyncio.Task[None]] = {}
        self._since: dict[IntegrationId, float] = {}
        self._again: set[IntegrationId] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._stopping = False

    @property
    def under_way(self) -> int:
        """How many drains are under way."""
        return len(self._drains)

    async def begin(self, ids: Iterable[IntegrationId]) -> None:
        """Start a drain of each; waits only while this process has as many as it can hold."""
        for integration_id in ids:
            if self._is_running(integration_id):
                continue
            await self._room.acquire()
            # While this one waited for room, another may have begun it, or the end have come.
            if self._stopping or self._is_running(integration_id):
                self._room.release()
            else:
                self._start(integration_id)

    @property
    def count(self) -> int:
        """How many drains are open."""
        return len(self._drains)

    @property
    def oldest(self) -> timedelta:
        """How long the oldest of them has been open."""
        began = min(self._since.values(), default=None)
        if began is None:
            return timedelta()
        return timedelta(seconds=asyncio.get_running_loop().time() - began)

    async def finish(self) -> None:
        """Let every drain close after the requests it has in flight; none starts any more."""
        self._stopping = True
        while self._drains:
            await asyncio.wait(self._drains.values())

    def _is_running(self, integration_id: IntegrationId) -> bool:
        if integration_id not in self._drains:
            return False
        # It may be past its last look at the queue: once more, when it has ended.
        self._again.add(integration_id)
        return True

    def _start(self, integration_id: IntegrationId) -> None:
        drain = asyncio.create_task(self._run(integration_id))
        self._drains[integration_id] = drain
        self._since[integration_id] = asyncio.get_running_loop().time()
        drain.add_done_callback(partial(self._end, integration_id))

    def _end(self, integration_id: IntegrationId, _: asyncio.Task[None]) -> None:
        del self._drains[integration_id]
        del self._since[integration_id]
        if integration_id in self._again and not self._stopping:
            self._again.remove(integration_id)
            self._start(integration_id)
        else:
            self._room.release()

    async def _run(self, integration_id: IntegrationId) -> None:
        try:
            if await self._drain(integration_id, lambda: self._stopping):
                # Whoever hears that ring goes on; to begin again here would keep it from others.
                self._again.discard(integration_id)
        except StoreUnavailable as error:
            log.warning("drain.broken_off", integration=integration_id, error=str(error))
        except Exception:
            # One integration's trouble must not end the process; the due index rings again.
            log.exception("drain.failed", integration=integration_id)
