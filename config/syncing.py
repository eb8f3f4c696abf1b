"""Opens what runs syncs: in web for callers, in workers at night, and for the command line."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from config import clock
from config.settings import Settings
from config.wiring import Registry
from delivery.facts.counting import Counting
from delivery.wire.egress import Egress
from hub.registry.clearing_house.nights import Nights
from hub.registry.clearing_house.sync_batches import SyncBatches
from hub.registry.clearing_house.syncs import Syncs
from hub.registry.parties.notices import NoticeKind, Notices
from hub.sync.gathering import Bounds
from hub.sync.learning_builder import LearningBuilder
from hub.sync.nightly_syncs import NightlySyncs
from hub.sync.posting import Posting
from hub.sync.publisher_part import Tools
from hub.sync.rendering import Renderer
from hub.sync.running import Running
from hub.sync.synchronizer import Synchronizer
from hub.sync.telling import Telling

SHORTEST_LIMIT = timedelta(seconds=60)
"""LearningBuilder takes thousands of rows at once; it gets at least this long for a batch."""


@dataclass(frozen=True, slots=True)
class Syncing:
    """All about syncs."""

    syncs: Syncs
    batches: SyncBatches
    running: Running
    nightly: NightlySyncs


@dataclass(frozen=True, slots=True)
class _Notes:
    """Notes about syncs, among the notices for a program's contacts."""

    notices: Notices

    async def note(self, program_id: str, about: str, words: str) -> None:
        await self.notices.note(program_id, NoticeKind.SYNC, about, words)

    async def withdraw(self, program_id: str, about: str) -> None:
        await self.notices.withdraw(program_id, NoticeKind.SYNC, about)


@asynccontextmanager
async def open_syncing(
    settings: Settings,
    registry: Registry,
    renderer: Renderer,
    meters: Counting | None = None,
) -> AsyncIterator[Syncing]:
    """Open it; at the end, every sync of this process is closed."""
    within = max(settings.request_timeout, SHORTEST_LIMIT)
    syncs = Syncs(registry.database, clock.now)
    batches = SyncBatches(registry.database, clock.now)
    telling = Telling(_Notes(registry.notices))
    async with Egress(settings.egress_allow).open_client(timeout=within) as client:
        learning_builder = LearningBuilder(client, within=within)
        running = Running(
            Synchronizer(
                programs=registry.programs,
                subscriptions=registry.subscriptions,
                leases=registry.leases,
                syncs=syncs,
                tools=Tools(
                    registry.events,
                    batches,
                    renderer,
                    Posting(batches, learning_builder),
                    Bounds(),
                ),
                telling=telling,
                clock=clock.now,
                name=f"{socket.gethostname()}:{os.getpid()}",
                meters=meters,
            )
        )
        nights = Nights(registry.database, clock.now)
        try:
            yield Syncing(
                syncs, batches, running, NightlySyncs(nights, running.run, telling, clock.now)
            )
        finally:
            await running.finish()
