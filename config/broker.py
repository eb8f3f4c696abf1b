"""Dramatiq, wired as a doorbell: it carries hints that there is work, and never the work itself.

No retries, no delays, no dead letters: what is to be done stands in the queues and the due index,
and a ring that is lost is made up for by the next beat of any worker's clock.

Rings spread the load as well. Drains end every second or so and ring for themselves, and the
busier a worker is, the longer it leaves a ring to others before it takes it: so a worker that was
just added has its share with the next slices, and nobody needs to know how many there are.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
import structlog
from dramatiq import Consumer, Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from delivery.facts.counting import Counting, Uncounted
from delivery.facts.doorbell import Work
from delivery.facts.integration import IntegrationId

NAMESPACE = "bell"
IN_ONE_RING = 50
SHARES = 4
"""Into so many messages a ring for a few integrations is cut, so that workers can share them."""
MAINTENANCE_CHANCE = 20_000
"""Out of a million commands: how often dead workers' rings are tidied up. None is needed."""
WAIT_SECONDS = 1
PAUSE_MS = 10
"""Between two waits, and while as many rings as may be prefetched are being answered."""
COURTESY_SECONDS = 0.02
"""The longest that a busy worker leaves a ring to others."""
RATHER_BUSY = 8
"""With so many drains a worker leaves a ring to others for half of that."""

Busy = Callable[[], int]
"""Says how many drains are under way in this process."""

log = structlog.get_logger()


class BellBroker(RedisBroker):
    """A Redis broker that waits for rings instead of polling for them.

    Each of Dramatiq's polls writes, and Redis may sync each write to disk: an idle worker would
    keep it as busy as a hundred requests each second. Nor is there any delay queue, because
    nothing here is ever delayed.
    """

    def __init__(self, client: redis.Redis, busy: Busy) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # Dramatiq left it untyped
            client=client, middleware=[], namespace=NAMESPACE, maintenance_chance=MAINTENANCE_CHANCE
        )
        self._busy = busy
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Take no ring any more, not even one that is being waited for."""
        self._leaving.set()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = PAUSE_MS) -> Consumer:
        """Consume a queue; `timeout` is how long its thread sleeps on top of our own wait."""
        return super().consume(queue_name, prefetch, min(timeout, PAUSE_MS))

    def do_fetch(self, queue_name: str, count: int) -> list[bytes]:
        """Wait for a moment until there are rings, and fetch some."""
        rings = f"{self.namespace}:{queue_name}"
        # From the head of the list to the same place: it waits for a first one and changes nothing.
        if self.client.blmove(rings, rings, WAIT_SECONDS, "LEFT", "LEFT") is None:
            return []
        if self._leaving.wait(courtesy(self._busy())):
            return []
        fetch = self._dispatch("fetch")
        fetched: list[bytes] = fetch(queue_name, min(count, self._share(rings)))
        return fetched

    def _share(self, rings: str) -> int:
        # Half of them, lest whoever comes first takes all.
        return max(1, (int(self.client.llen(rings)) + 1) // 2)

    def _dispatch(self, command: str) -> Callable[..., Any]:
        dispatch = super()._dispatch(command)  # type: ignore[no-untyped-call]  # Dramatiq left it so

        def dispatched(*arguments: object) -> object:
            try:
                return dispatch(*arguments)
            except redis.TimeoutError as error:
                # After a lost connection Dramatiq tries again; of a late answer it knows nothing.
                raise redis.ConnectionError(str(error)) from error

        return dispatched

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, without the delayed one that would come with it."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


def courtesy(busy: int) -> float:
    """Say for how many seconds a process with so many drains leaves a ring to others."""
    return COURTESY_SECONDS * busy / (busy + RATHER_BUSY)


def open_broker(client: redis.Redis, busy: Busy = lambda: 0) -> BellBroker:
    """Make the broker on a client whose database holds nothing else."""
    return BellBroker(client, busy)


class Bell:
    """Rings through a broker, from a thread of its own: whoever rings never waits."""

    def __init__(self, broker: BellBroker, meters: Counting | None = None) -> None:
        self._broker = broker
        self._meters = meters or Uncounted()
        self._lock = threading.Lock()
        self._pending: dict[Work, set[IntegrationId]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bell")

    def ring(self, work: Work, integration_ids: Iterable[IntegrationId]) -> None:
        """Hint that these integrations may have work; rings made close together share a message."""
        with self._lock:
            idle = not self._pending
            self._pending.setdefault(work, set()).update(integration_ids)
        if idle:
            self._thread.submit(self._send)

    def close(self) -> None:
        """Send what is pending, and end."""
        self._thread.shutdown(wait=True)

    def _send(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, {}
        for work, found in pending.items():
            ids = sorted(found)
            size = min(-(-len(ids) // SHARES), IN_ONE_RING)
            for start in range(0, len(ids), size):
                self._send_one(work, ids[start : start + size])

    def _send_one(self, work: Work, ids: list[IntegrationId]) -> None:
        ring = Message[None](
            queue_name=work.value,
            actor_name=f"delivery.{work}",
            args=(ids,),
            kwargs={},
            options={},
        )
        try:
            self._broker.enqueue(ring)
        except (RedisError, BrokerConnectionError, OSError) as error:
            # Nothing is lost: what the ring was for stands in the due index.
            self._meters.count("rings", "lost")
            log.warning("ring.lost", work=work, integrations=len(ids), error=str(error))
        else:
            self._meters.count("rings", "sent")
