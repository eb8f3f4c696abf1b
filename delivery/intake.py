"""Front door: takes statements in. What is answered as taken is in Redis and will not be lost.

Requests that arrive together share one round trip (group commit), so that a Redis which syncs its
log for every write does so once for many; each request still has its own atomic step and result.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from delivery.facts.doorbell import Doorbell, Work
from delivery.facts.errors import (
    QueueFull,
    StatementConflict,
    StoreFull,
    StoreUnavailable,
    UnknownIntegration,
)
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement, StatementId
from delivery.facts.times import Clock, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.headroom import Headroom
from delivery.stores.keys import DUE, Keys
from delivery.stores.meters import Meters
from delivery.stores.store import Call, Reply, Store
from delivery.wire import tracing

PATIENCE = timedelta(seconds=1.5)
"""How long a request waits for Redis: an upstream that hears 503 soon can come again soon."""
RING_PAUSE = timedelta(seconds=2)
TOGETHER = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the statements of one request."""

    accepted: tuple[StatementId, ...]
    duplicates: tuple[StatementId, ...]


@dataclass(frozen=True, slots=True)
class _Waiting:
    integration_id: IntegrationId
    statements: Sequence[Statement]
    traceparent: str
    result: asyncio.Future[Taken]


class Intake:
    """Takes statements for all integrations of this process."""

    def __init__(
        self,
        store: Store,
        headroom: Headroom,
        doorbell: Doorbell,
        meters: Meters,
        clock: Clock,
        max_queue: int,
    ) -> None:
        self._store = store
        self._headroom = headroom
        self._doorbell = doorbell
        self._meters = meters
        self._clock = clock
        self._max_queue = max_queue
        self._waiting: list[_Waiting] = []
        self._committing: asyncio.Task[None] | None = None

    async def accept(self, integration_id: IntegrationId, statements: Sequence[Statement]) -> Taken:
        """Take all of these statements, or none; their ids must differ.

        Raises UnknownIntegration, StatementConflict, QueueFull, StoreFull: nothing was taken.
        Raises StoreUnavailable: unknown; repeating it is safe.
        """
        if not statements:
            return Taken((), ())
        try:
            taken = await self._take(integration_id, statements)
        except (StatementConflict, QueueFull, StoreUnavailable) as error:
            self._meters.note_intake(_result_word(error), len(statements))
            raise
        self._meters.note_intake("accepted", len(taken.accepted))
        self._meters.note_intake("duplicate", len(taken.duplicates))
        return taken

    async def _take(self, integration_id: IntegrationId, statements: Sequence[Statement]) -> Taken:
        self._headroom.check()
        result: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(integration_id, statements, tracing.current(), result))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())
        try:
            # The commit before this one may have used up the patience, or have many before it.
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return await result
        except TimeoutError:
            raise StoreUnavailable("Redis did not answer in time") from None

    async def _commit(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            together = [waiting for waiting in together if not waiting.result.done()]
            if not together:
                continue
            try:
                async with asyncio.timeout(PATIENCE.total_seconds()):
                    replies = await self._store.run_all([self._call(w) for w in together])
            except (StoreUnavailable, TimeoutError) as error:
                for waiting in together:
                    _fail(waiting, StoreUnavailable(f"Redis did not answer: {error}"))
                continue
            except BaseException as error:
                for waiting in together:
                    _fail(waiting, error)
                raise
            self._answer(together, replies)

    def _call(self, waiting: _Waiting) -> Call:
        keys = Keys(waiting.integration_id)
        arguments: list[str | bytes | int] = [
            to_ms(self._clock()),
            waiting.integration_id,
            keys.receipts,
            self._max_queue,
            length_ms(RING_PAUSE),
            waiting.traceparent,
        ]
        for statement in waiting.statements:
            arguments.extend((statement.id, statement.digest, statement.body))
        return Call(
            scripts.ACCEPT, [keys.state, keys.queue, keys.front, keys.lease, DUE], arguments
        )

    def _answer(self, together: Sequence[_Waiting], replies: Sequence[Reply | Exception]) -> None:
        to_ring = []
        for waiting, reply in zip(together, replies, strict=True):
            try:
                taken, ring = _read(waiting, reply)
            except Exception as error:  # noqa: BLE001  handed to the one who waits for it
                _fail(waiting, error)
                continue
            if ring:
                to_ring.append(waiting.integration_id)
            if not waiting.result.done():
                waiting.result.set_result(taken)
        if to_ring:
            self._doorbell.ring(Work.DRAIN, to_ring)


def _fail(waiting: _Waiting, error: BaseException) -> None:
    if not waiting.result.done():
        waiting.result.set_exception(error)


def _read(waiting: _Waiting, reply: Reply | Exception) -> tuple[Taken, bool]:
    ids = [statement.id for statement in waiting.statements]
    match reply:
        case Exception():
            raise reply
        case [b"unknown"]:
            raise UnknownIntegration(f"no integration {waiting.integration_id}")
        case [b"full"]:
            raise QueueFull(f"the queue of {waiting.integration_id} is full")
        case [b"conflict", *known]:
            raise StatementConflict([k.decode() for k in known if isinstance(k, bytes)])
        case [b"taken", ring, *seen]:
            pairs = list(zip(ids, seen, strict=True))
            return (
                Taken(
                    accepted=tuple(i for i, known in pairs if known == 0),
                    duplicates=tuple(i for i, known in pairs if known == 1),
                ),
                ring == 1,
            )
        case _:
            raise AssertionError(f"accept.lua answered {reply!r}")


def _result_word(error: StatementConflict | QueueFull | StoreUnavailable) -> str:
    match error:
        case StatementConflict():
            return "conflict"
        case QueueFull():
            return "full"
        case StoreFull():
            return "no_memory"
        case StoreUnavailable():
            return "unavailable"
