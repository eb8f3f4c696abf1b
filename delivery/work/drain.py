"""Empties one integration's queue: take the lease, then window by window, until nothing is left.

drain > lease > window > token, LRS > outcome > settle > next window
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from delivery.facts.doorbell import Doorbell, Work
from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.outcome import IntegrationRefused, Unavailable
from delivery.facts.problem import Kind, Problem
from delivery.facts.status import Status
from delivery.facts.times import Clock
from delivery.stores.directory import Directory
from delivery.stores.journal import Journal
from delivery.stores.lease import Lease, Leases
from delivery.stores.meters import Meters
from delivery.stores.sent import Sent
from delivery.stores.statement_queue import CLOSE, Policy, StatementQueue, Window, note_sent
from delivery.stores.store import Store
from delivery.stores.tallies import Tallies
from delivery.work.sending import Lrs, Sending, Tokens

SLICE = timedelta(seconds=1)
"""How long one drain works before it rings again, so that a large backlog holds nobody up."""
WINDOWS_FULL = 8
SMALLEST_WINDOW, LARGEST_WINDOW = 32, 2000
MOST_IDS = 20
"""So many of the statements are named in the log line of a drain."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Drainer:
    """Everything that a drain needs."""

    store: Store
    leases: Leases
    directory: Directory
    lrs: Lrs
    tokens: Tokens
    journal: Journal
    meters: Meters
    tallies: Tallies
    doorbell: Doorbell
    clock: Clock
    policy: Policy

    async def drain(self, integration_id: IntegrationId, stopping: Callable[[], bool]) -> bool:
        """Empty a queue for one slice; harmless when there is nothing to do, or another does it.

        True when it has rung for what is left.

        `stopping` says that this process is to end: then the drain closes after the requests that
        are in flight. Raises StoreUnavailable, or what `integrations` raises: the lease then
        lapses, and the due index rings again.
        """
        lease = await self.leases.take(integration_id)
        if lease is None:
            return False
        queue = StatementQueue(self.store, lease, clock=self.clock, policy=self.policy)
        integration = await self.directory.at(integration_id, lease.revision)
        if integration is None:
            # Being deleted, or the registry is behind: the sweep decides. The lease lapses.
            log.warning("integration.missing", integration=integration_id)
            return False
        lease.version = integration.version
        sending = Sending(self.lrs, self.tokens, self.clock, integration)
        async with self.leases.kept(lease, sending.halt):
            window = await self._empty(integration, lease, queue, sending, stopping)
        # The last act, so that whoever hears it finds nothing of this drain any more.
        if window.ring:
            self.doorbell.ring(Work.DRAIN, [integration_id])
        return window.ring

    async def _empty(
        self,
        integration: Integration,
        lease: Lease,
        queue: StatementQueue,
        sending: Sending,
        stopping: Callable[[], bool],
    ) -> Window:
        until = self.clock() + SLICE
        delivered = parked = 0
        ids: list[str] = []
        window = await queue.settle([], wanted=first_window(integration, lease.status))
        while window.statements:
            began = self.clock()
            sent = await sending.send(window.statements, largest=lease.largest)
            note_sent(lease, sent.attempted)
            self.meters.note(sent, self.clock())
            parked += sum(1 for s in sent.settled if s.reason is not None)
            delivered += sum(1 for s in sent.settled if s.reason is None)
            ids += [s.queued.id for s in sent.settled[: MOST_IDS - len(ids)]]
            if sent.stop:
                window = await self._stop(integration, queue, sent, sent.stop)
            else:
                close = lease.lost or stopping() or self.clock() > until
                wanted = CLOSE if close else window_size(integration)
                window = await self._settle(integration, lease, queue, sent, wanted)
            self._tally(integration, sent, window, began)
            await self.journal.add(integration.id, sent.attempts)
            if window.mail:
                self.doorbell.ring(Work.MAIL, [integration.id])
        log.info(
            "drain.ended",
            integration=integration.id,
            delivered=delivered,
            parked=parked,
            more=window.ring,
            lost=window.lost,
            ids=ids,
        )
        return window

    def _tally(self, integration: Integration, sent: Sent, after: Window, began: datetime) -> None:
        # What a lost lease left unsettled is sent again by another, and counted then.
        if not after.lost:
            now, more_waits = self.clock(), bool(after.statements) or after.ring
            took = now - began if more_waits and sent.settled else None
            self.tallies.note(integration.id, sent, now, took=took)

    async def _settle(
        self,
        integration: Integration,
        lease: Lease,
        queue: StatementQueue,
        sent: Sent,
        wanted: int,
    ) -> Window:
        lease.largest = sent.largest or lease.largest
        return await queue.settle(
            sent.settled,
            wanted=wanted,
            largest=sent.largest,
            alert=self._parked_alert(integration, sent),
        )

    async def _stop(
        self,
        integration: Integration,
        queue: StatementQueue,
        sent: Sent,
        stop: Unavailable | IntegrationRefused,
    ) -> Window:
        kind = Kind.DOWN if isinstance(stop, Unavailable) else Kind.REFUSED
        return await queue.stop(
            sent.settled,
            stop,
            tried=[queued.id for queued in sent.failed],
            alert=Problem(kind, stop.reason, self.clock()).write(),
            parked_alert=self._parked_alert(integration, sent),
        )

    def _parked_alert(self, integration: Integration, sent: Sent) -> str:
        parked = [s for s in sent.settled if s.reason is not None]
        if not parked:
            return ""
        log.info("statements.parked", integration=integration.id, ids=[s.queued.id for s in parked])
        return Problem(Kind.PARKED, parked[0].reason or "", self.clock()).write()


def window_size(integration: Integration) -> int:
    """Say how many statements to look at: enough to keep every request slot busy for a while."""
    full = integration.batch_size * integration.concurrency * WINDOWS_FULL
    return min(max(full, SMALLEST_WINDOW), LARGEST_WINDOW)


def first_window(integration: Integration, status: Status) -> int:
    """Say how many statements to begin with: one, where the LRS was down."""
    return 1 if status is Status.DOWN else window_size(integration)
