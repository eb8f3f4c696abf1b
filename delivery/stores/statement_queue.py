"""The statements waiting for one integration: peek, send, delete.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:queue` | stream | statements in order | until delivered |
| `hub:{id}:front` | stream | the same; goes before the queue | until delivered |
| `hub:{id}:back` | stream | the same; goes when the others are empty | until delivered |

Fields: `i` statement id, `b` body, `t` accepted at (ms), `d` digest, and, if there is one, `p`
traceparent. What is replayed has also `o`, the operation that does so, `w`, its receipt before
that, `u`, since when it waits, and `k`, which is 1 if it had been delivered.

Nothing is taken out to be sent. A window is looked at, sent, and what was accepted is deleted; a
crash at any line leaves the rest where it was, so there is no in-flight store to repair.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from delivery.facts.block import Ended, EndedAs, pack
from delivery.facts.outcome import IntegrationRefused, Unavailable
from delivery.facts.statement import Queued, StatementId, order
from delivery.facts.status import Status, next_probe
from delivery.facts.times import Clock, from_ms, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import DUE, LANES, MAIL, Keys
from delivery.stores.lease import GRACE, LEASE, Lease
from delivery.stores.store import Argument, Call, Reply, Store

RELEASED_AT_ONCE = 200
LARGEST_WINDOW = 4 * 1024 * 1024
ONLY_SETTLE = -1
CLOSE = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """A statement whose fate is decided: delivered, or to be parked when `reason` says why."""

    queued: Queued
    answer: str
    status: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What is to be sent next, in order; empty when the drain has ended."""

    statements: tuple[Queued, ...] = ()
    ring: bool = False
    """The drain was closed although there is work: ring for it."""
    mail: bool = False
    """An alert has become pending."""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The lengths of time that a drain obeys."""

    heartbeat: timedelta
    alert_interval: timedelta
    receipt_age: timedelta
    archive_age: timedelta = timedelta(days=7)
    """How long what was delivered can be replayed; 0 keeps nothing."""


class StatementQueue:
    """One integration's queue, in the hands of whoever holds its lease."""

    def __init__(self, store: Store, lease: Lease, *, clock: Clock, policy: Policy) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._policy = policy
        self._keys = Keys(lease.integration_id)

    async def settle(
        self,
        settled: Sequence[Settled],
        *,
        wanted: int,
        largest: int | None = None,
        alert: str = "",
    ) -> Window:
        """Delete or park what was sent, and give the next `wanted` statements, in one step.

        With `CLOSE` the lease ends instead. After a crash before this, the statements are sent
        again, marked as tried.
        """
        reply = await self._store.run(
            scripts.SETTLE,
            self._settle_keys(),
            *self._settle_arguments(settled, wanted, largest, alert),
        )
        return self._window(reply)

    async def stop(
        self,
        settled: Sequence[Settled],
        outcome: Unavailable | IntegrationRefused,
        *,
        tried: Sequence[StatementId],
        alert: str,
        parked_alert: str = "",
    ) -> Window:
        """Settle what went through before the LRS stopped answering, and end the drain."""
        calls = [
            Call(
                scripts.SETTLE,
                self._settle_keys(),
                self._settle_arguments(settled, ONLY_SETTLE, None, parked_alert),
            ),
            Call(scripts.STOP, self._stop_keys(), self._stop_arguments(outcome, tried, alert)),
        ]
        replies = await self._store.run_all(calls)
        for failed in replies:
            if isinstance(failed, Exception):
                raise failed
        match replies[-1]:
            case [b"stopped", ring, mail]:
                return Window(ring=ring == 1, mail=mail == 1)
            case _:
                return Window(lost=True)

    def _settle_keys(self) -> list[str]:
        k = self._keys
        return [k.state, k.lease, DUE, *k.lanes(), k.parked, k.tries, MAIL, k.ended, k.changes]

    def _settle_arguments(
        self, settled: Sequence[Settled], wanted: int, largest: int | None, alert: str
    ) -> list[Argument]:
        delivered = [s for s in settled if s.reason is None]
        parked = [s for s in settled if s.reason is not None]
        lease = self._lease
        return [
            lease.token,
            to_ms(self._clock()),
            lease.integration_id,
            length_ms(LEASE),
            length_ms(GRACE),
            self._keys.receipts,
            length_ms(self._policy.receipt_age),
            lease.version,
            *(lease.sent[lane] for lane in LANES),
            wanted,
            LARGEST_WINDOW,
            RELEASED_AT_ONCE,
            length_ms(self._policy.alert_interval),
            alert,
            largest or "",
            orjson.dumps([_place(s) for s in delivered]),
            orjson.dumps([(*_place(s), s.reason or "", str(s.status or "")) for s in parked]),
            *self._block(delivered),
        ]

    def _block(self, delivered: Sequence[Settled]) -> tuple[bytes | str, int, int]:
        if not delivered or not self._policy.archive_age:
            return "", 0, 0
        now = self._clock()
        block = pack([_ended(settled, now) for settled in delivered])
        return block.packed, block.count, block.size

    def _window(self, reply: Reply) -> Window:
        match reply:
            case [b"window", bytes() as front, bytes() as queue, bytes() as back, mail, *entries]:
                marks = (front.decode(), queue.decode(), back.decode())
                self._lease.sent = dict(zip(LANES, marks, strict=True))
                return Window(tuple(_read(entries)), mail=mail == 1)
            case [b"closed" | b"empty" | b"settled", ring, mail]:
                return Window(ring=ring == 1, mail=mail == 1)
            case _:
                return Window(lost=True)

    def _stop_keys(self) -> list[str]:
        k = self._keys
        return [k.state, k.lease, DUE, k.tries, MAIL, k.changes]

    def _stop_arguments(
        self, outcome: Unavailable | IntegrationRefused, tried: Sequence[StatementId], alert: str
    ) -> list[Argument]:
        now = self._clock()
        return [
            self._lease.token,
            to_ms(now),
            self._lease.integration_id,
            Status.DOWN if isinstance(outcome, Unavailable) else Status.REFUSED,
            outcome.reason,
            to_ms(self._next_attempt(outcome, now)),
            self._lease.version,
            length_ms(self._policy.alert_interval),
            alert,
            outcome.reason,
            *tried,
        ]

    def _next_attempt(self, outcome: Unavailable | IntegrationRefused, now: datetime) -> datetime:
        match outcome:
            case Unavailable(retry_after=retry_after):
                return next_probe(now, pause=self._policy.heartbeat, retry_after=retry_after)
            case IntegrationRefused():
                return now


def note_sent(lease: Lease, sent: Sequence[Queued]) -> None:
    """Move the marks of `lease` over what has really been sent."""
    for queued in sent:
        lease.sent[queued.lane] = _later(lease.sent[queued.lane], queued.place)


def _later(a: str, b: str) -> str:
    return max(a, b, key=order)


def _place(s: Settled) -> tuple[str, ...]:
    q = s.queued
    return (q.lane, q.place, q.id, q.digest, str(to_ms(q.accepted_at)), s.answer)


def _ended(settled: Settled, now: datetime) -> Ended:
    queued = settled.queued
    return Ended(
        id=queued.id,
        digest=queued.digest,
        accepted_at=queued.accepted_at,
        ended_at=now,
        outcome=EndedAs.DELIVERED,
        status=settled.status,
        body=queued.body,
    )


def _read(entries: Sequence[Reply]) -> Iterator[Queued]:
    words = [word for word in entries if isinstance(word, bytes)]
    for n in range(0, len(words), 9):
        lane, place, statement_id, body, accepted, digest, tried, trace, replayed = words[n : n + 9]
        yield Queued(
            lane=lane.decode(),
            place=place.decode(),
            id=StatementId(statement_id.decode()),
            body=body,
            digest=digest.decode(),
            accepted_at=from_ms(accepted),
            tried=tried == b"1",
            traceparent=trace.decode(),
            replayed=replayed == b"1",
        )
