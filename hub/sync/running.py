"""The syncs under way in this process: they outlive who asked for them, and end in good order.

A caller that hangs up leaves its sync running. When the process is to end, each sync closes after
the batch that is on its way; one that still waits for LearningBuilder then is broken off, and the
next sync repeats its batch.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from hub.registry.clearing_house.syncs import Sync
from hub.sync.report import SyncReport
from hub.sync.run import Tally
from hub.sync.synchronizer import Order, Synchronizer

PATIENCE = timedelta(seconds=5)


class Running:
    """Starts syncs, and ends them."""

    def __init__(self, synchronizer: Synchronizer) -> None:
        self._synchronizer = synchronizer
        self._syncs: set[asyncio.Task[SyncReport]] = set()
        self._stopping = False

    async def run(
        self, order: Order, *, tell: Callable[[Tally], None] = lambda _: None
    ) -> SyncReport:
        """Run a sync, to its end even if the caller is cancelled; see Synchronizer.run."""
        sync = asyncio.create_task(
            self._synchronizer.run(order, asked_to_stop=lambda: self._stopping, tell=tell)
        )
        self._syncs.add(sync)
        sync.add_done_callback(self._syncs.discard)
        return await asyncio.shield(sync)

    async def start(self, order: Order) -> Sync:
        """Begin a sync, and give it as soon as it is written down; it goes on by itself.

        Raises what Synchronizer.run raises before that.
        """
        begun = asyncio.Event()
        runs: list[Sync] = []

        def note(run: Sync) -> None:
            runs.append(run)
            begun.set()

        sync = asyncio.create_task(
            self._synchronizer.run(order, asked_to_stop=lambda: self._stopping, begun=note)
        )
        self._syncs.add(sync)
        sync.add_done_callback(self._ended)
        sync.add_done_callback(lambda _: begun.set())
        await begun.wait()
        return runs[0] if runs else (await sync).sync

    def _ended(self, sync: asyncio.Task[SyncReport]) -> None:
        self._syncs.discard(sync)
        # What ended it was logged and written down; nobody else waits for it.
        if not sync.cancelled():
            sync.exception()

    def stop(self) -> None:
        """Let every sync begin nothing more."""
        self._stopping = True

    async def finish(self, within: timedelta = PATIENCE) -> None:
        """End every sync: after the batch on its way, or without its answer when time is up."""
        self.stop()
        if self._syncs:
            await asyncio.wait(self._syncs, timeout=within.total_seconds())
        while self._syncs:
            for sync in self._syncs:
                sync.cancel()
            # More than once if need be: a wait within may swallow a cancellation (Python 3.11).
            await asyncio.wait(self._syncs, timeout=1)
