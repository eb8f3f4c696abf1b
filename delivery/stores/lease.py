"""The right to drain one integration: for a limited time, renewed, with a fencing token.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:lease` | string | the token of whoever drains | LEASE, renewed every third of it |
| `hub:{id}:state` | hash | `fence`: the newest token; `sent_<lane>` for each lane | - |

Every script that changes a queue asks for the newest token, so a drainer that lost its lease
changes nothing. The marks say how far sending may have got, so that the next drainer knows
which statements may be at the LRS already.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from delivery.facts.counting import Counting, Uncounted
from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.status import Status
from delivery.facts.times import Clock, from_ms, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import DUE, LANES, Keys
from delivery.stores.store import Reply, Store

LEASE = timedelta(seconds=10)
GRACE = timedelta(seconds=12)
"""When a drain is due again if it is never heard of: a little after its lease has lapsed."""

log = structlog.get_logger()


@dataclass(slots=True)
class Lease:
    """One drain's right, and what the state said when it was taken."""

    integration_id: IntegrationId
    token: str
    status: Status
    revision: int
    version: int
    largest: int | None
    """The largest body, in bytes, that the LRS is known to take."""
    sent: dict[str, str]
    """For each lane, the place up to which sending may have got; empty at the beginning."""
    lost: bool = False


class Leases:
    """Takes and keeps leases."""

    def __init__(self, store: Store, clock: Clock, meters: Counting | None = None) -> None:
        self._store = store
        self._clock = clock
        self._meters = meters or Uncounted()

    async def take(self, integration_id: IntegrationId) -> Lease | None:
        """Take the right to drain; None if another has it, or nothing may be sent now."""
        keys = Keys(integration_id)
        reply = await self._store.run(
            scripts.BEGIN,
            [keys.state, keys.lease, DUE, keys.changes],
            to_ms(self._clock()),
            integration_id,
            length_ms(LEASE),
            length_ms(GRACE),
        )
        match reply:
            case [b"begun", *rest]:
                return self._begun(integration_id, [word.decode() for word in _words(rest)])
            case _:
                return None

    def _begun(self, integration_id: IntegrationId, words: list[str]) -> Lease:
        token, status, revision, version, largest, probe_due, *sent = words
        if status == Status.DOWN:
            late = self._clock() - from_ms(int(probe_due or 0))
            self._meters.time("probe", took=max(late, timedelta()))
        return Lease(
            integration_id=integration_id,
            token=token,
            status=Status(status),
            revision=int(revision),
            version=int(version),
            largest=int(largest) if largest else None,
            sent=dict(zip(LANES, sent, strict=True)),
        )

    @asynccontextmanager
    async def kept(self, lease: Lease, on_loss: Callable[[], None]) -> AsyncIterator[None]:
        """Renew the lease in the background while the block runs; call `on_loss` if it is lost."""
        ended = asyncio.Event()
        renewal = asyncio.create_task(self._renew(lease, ended, on_loss))
        try:
            yield
        finally:
            # Cancelling is not enough: a wait_for within may swallow it (Python 3.11), and the
            # lease of a drain that has ended would be renewed for ever.
            ended.set()
            renewal.cancel()
            with suppress(asyncio.CancelledError):
                await renewal

    async def _renew(self, lease: Lease, ended: asyncio.Event, on_loss: Callable[[], None]) -> None:
        while not ended.is_set():
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                lease.lost = not await self._renew_once(lease)
            except StoreUnavailable as error:
                # Not lost yet: the token decides, when Redis is back.
                log.warning("lease.unrenewed", integration=lease.integration_id, error=str(error))
            if lease.lost:
                self._meters.count("leases_lost")
                log.warning("lease.lost", integration=lease.integration_id)
                on_loss()
                return

    async def _renew_once(self, lease: Lease) -> bool:
        keys = Keys(lease.integration_id)
        reply = await self._store.run(
            scripts.RENEW,
            [keys.state, keys.lease, DUE],
            lease.token,
            to_ms(self._clock()),
            lease.integration_id,
            length_ms(LEASE),
            length_ms(GRACE),
        )
        return reply == 1


def _words(reply: Sequence[Reply]) -> list[bytes]:
    return [word for word in reply if isinstance(word, bytes)]
