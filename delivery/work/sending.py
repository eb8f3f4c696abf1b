"""One window on its way: in order, so many requests at once, halved where the LRS balks."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Protocol

from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import Integration
from delivery.facts.outcome import (
    Accepted,
    Answer,
    IntegrationRefused,
    NoAnswer,
    Outcome,
    Reply,
    StatementRefused,
    TooMuch,
    Unavailable,
    describe,
    judge,
)
from delivery.facts.statement import Queued
from delivery.facts.times import Clock
from delivery.stores.journal import Attempt
from delivery.stores.sent import Sent
from delivery.stores.statement_queue import Settled
from delivery.wire import tracing

ENOUGH = timedelta(milliseconds=250)
"""After so long nothing more of a window is started: a crash then repeats little."""
ANSWER_KEPT = 2000
HEADERS_KEPT, HEADER_KEPT = 20, 200
UNAUTHORIZED = 401

Parcel = Sequence[Queued]


class Lrs(Protocol):
    """The LRS, as sending needs it."""

    async def send(
        self, integration: Integration, bodies: Sequence[bytes], token: str, traceparent: str = ""
    ) -> Reply:
        """Post the statements in one request."""
        ...


class Tokens(Protocol):
    """Access tokens, as sending needs them."""

    async def token(self, integration: Integration) -> str | Unavailable | IntegrationRefused:
        """Give an access token, or why there is none."""
        ...

    async def drop(self, integration: Integration, token: str) -> None:
        """Forget this token, because the LRS did not accept it."""
        ...


class Sending:
    """Sends windows of one integration to its LRS."""

    def __init__(self, lrs: Lrs, tokens: Tokens, clock: Clock, integration: Integration) -> None:
        self._lrs = lrs
        self._tokens = tokens
        self._clock = clock
        self._integration = integration
        self._halted = False

    def halt(self) -> None:
        """Start no further request."""
        self._halted = True

    async def send(self, window: Sequence[Queued], *, largest: int | None) -> Sent:
        """Send a window; what is not mentioned in the result was not sent."""
        sent = Sent()
        parcels = deque(pack(window, count=self._integration.batch_size, size=largest))
        until = self._clock() + ENOUGH

        async def line() -> None:
            while parcels and not (self._halted or sent.stop or self._clock() > until):
                await self._deliver(parcels.popleft(), sent)

        if self._integration.concurrency == 1:
            await line()
            return sent
        try:
            async with asyncio.TaskGroup() as lines:
                for _ in range(min(self._integration.concurrency, len(parcels))):
                    lines.create_task(line())
        except ExceptionGroup as group:
            # Every line met the same Redis that is away; one of them is enough to say so.
            _, others = group.split(StoreUnavailable)
            if others is None:
                raise StoreUnavailable("Redis went away while a window was being sent") from group
            raise
        return sent

    async def _deliver(self, parcel: Parcel, sent: Sent) -> None:
        at = self._clock()
        reply = await self._post(parcel, sent)
        outcome = (
            judge(reply, count=len(parcel), tried=parcel[0].tried)
            if isinstance(reply, Answer | NoAnswer)
            else reply
        )
        sent.attempts.append(
            Attempt(
                at=at,
                statement_ids=tuple(queued.id for queued in parcel),
                outcome=name(outcome),
                status=reply.status if isinstance(reply, Answer) else None,
                took=self._clock() - at,
                answer=reply.body[:ANSWER_KEPT] if isinstance(reply, Answer) else "",
                reason=None if isinstance(outcome, Accepted) else outcome.reason,
                url=self._integration.statement_url
                if isinstance(reply, Answer | NoAnswer)
                else None,
                xapi_version=self._integration.xapi_version,
                size=weight(parcel),
                headers=() if isinstance(outcome, Accepted) else headers_of(reply),
            )
        )
        answer = describe(reply) if isinstance(reply, Answer | NoAnswer) else reply.reason
        match outcome:
            case Accepted():
                status = reply.status if isinstance(reply, Answer) else None
                sent.settled.extend(Settled(queued, answer, status) for queued in parcel)
            case StatementRefused():
                status = reply.status if isinstance(reply, Answer) else None
                sent.settled.append(Settled(parcel[0], answer, status, outcome.reason))
            case Unavailable() | IntegrationRefused():
                sent.stop = sent.stop or outcome
                sent.failed.extend(parcel)
            case TooMuch():
                if outcome.by_size:
                    sent.largest = weight(parcel) // 2
                for half in halves(parcel):
                    if not (self._halted or sent.stop):
                        await self._deliver(half, sent)

    async def _post(self, parcel: Parcel, sent: Sent) -> Reply | Unavailable | IntegrationRefused:
        token = await self._tokens.token(self._integration)
        if not isinstance(token, str):
            return token
        sent.attempted.extend(parcel)
        reply = await self._send(parcel, token)
        if not (isinstance(reply, Answer) and reply.status == UNAUTHORIZED):
            return reply
        await self._tokens.drop(self._integration, token)
        token = await self._tokens.token(self._integration)
        if not isinstance(token, str):
            return token
        return await self._send(parcel, token)

    async def _send(self, parcel: Parcel, token: str) -> Reply:
        bodies = [queued.body for queued in parcel]
        traces = [queued.traceparent for queued in parcel]
        with tracing.attempt(self._integration.id, traces) as attempt:
            reply = await self._lrs.send(self._integration, bodies, token, attempt.traceparent)
            attempt.note(reply)
        return reply


def pack(window: Sequence[Queued], *, count: int, size: int | None) -> Iterator[Parcel]:
    """Cut a window into requests of at most `count` statements and, if it can be, `size` bytes."""
    parcel: list[Queued] = []
    room = size or 0
    for queued in window:
        if parcel and (len(parcel) == count or (size and len(queued.body) > room)):
            yield parcel
            parcel, room = [], size or 0
        parcel.append(queued)
        room -= len(queued.body)
    if parcel:
        yield parcel


def halves(parcel: Parcel) -> tuple[Parcel, Parcel]:
    """Cut a refused batch in two, near the middle of its bytes."""
    half, so_far, cut = weight(parcel) / 2, 0, 0
    while so_far < half:
        so_far += len(parcel[cut].body)
        cut += 1
    cut = min(max(cut, 1), len(parcel) - 1)
    return parcel[:cut], parcel[cut:]


def weight(parcel: Parcel) -> int:
    """Give the bytes of a request's statements."""
    return sum(len(queued.body) for queued in parcel)


def headers_of(reply: Reply | Unavailable | IntegrationRefused) -> tuple[tuple[str, str], ...]:
    """Give as much of an answer's headers as the journal keeps."""
    headers = reply.headers[:HEADERS_KEPT] if isinstance(reply, Answer) else ()
    return tuple((name, value[:HEADER_KEPT]) for name, value in headers)


def name(outcome: Outcome) -> str:
    """Give the word that the journal uses for an outcome."""
    match outcome:
        case Accepted():
            return "accepted"
        case Unavailable():
            return "unavailable"
        case StatementRefused() | IntegrationRefused() | TooMuch():
            return "refused"
