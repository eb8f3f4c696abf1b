"""What an answer means. Pure: the whole table of outcomes is decided here and nowhere else.

An LRS that is down or says no is an ordinary day, so it comes as a value:

    Accepted            delivered; the statements leave the queue
    Unavailable         5xx, 408, 425, 429, or no answer: one statement every 60 s from now on
    StatementRefused    this one statement is parked, the queue goes on
    IntegrationRefused  the whole queue waits until the integration is updated
    TooMuch             a batch was refused as one; halves of it must be sent

Sources: xAPI 1.0.3 Part Three, 2.1 and 3.2; RFC 9110, 15.4 to 15.6.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

SPLITTABLE = frozenset({400, 409, 413, 422})
WHOLE_INTEGRATION = frozenset({401, 403, 404, 405, 410})
TRANSIENT = frozenset({408, 425, 429})


class Failure(StrEnum):
    """Why no answer came."""

    ADDRESS_REFUSED = "address refused"
    CONNECTION_REFUSED = "connection refused"
    CONNECTION_RESET = "connection reset"
    NAME_NOT_FOUND = "name not found"
    TIMEOUT = "timeout"
    TLS = "TLS failed"
    PROTOCOL = "not HTTP"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `body` is cut to 8 KiB and decoded leniently; headers are masked."""

    status: int
    body: str
    took: timedelta
    retry_after: timedelta | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came back, and why. `detail` is a sentence for people, without secrets."""

    failure: Failure
    detail: str
    took: timedelta


Reply = Answer | NoAnswer


@dataclass(frozen=True, slots=True)
class Accepted:
    """The LRS has the statements."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The LRS cannot take anything now; `retry_after` is what it asked for, if it did."""

    reason: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class StatementRefused:
    """The LRS will not have this statement."""

    reason: str


@dataclass(frozen=True, slots=True)
class IntegrationRefused:
    """The address or the credentials are wrong; nothing can go until they are changed."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooMuch:
    """A batch was refused as one; `by_size` when it was too large, which is worth remembering."""

    reason: str
    by_size: bool


Outcome = Accepted | Unavailable | StatementRefused | IntegrationRefused | TooMuch


def judge(reply: Reply, *, count: int, tried: bool) -> Outcome:
    """Say what `reply` to a request of `count` statements means.

    `tried`: an earlier attempt of this single statement may have arrived, so that a 409 says
    "I have it". Returned ids are never compared with the batch: real LRSs shorten the list.
    """
    match reply:
        case NoAnswer(failure=Failure.ADDRESS_REFUSED):
            return IntegrationRefused(reply.detail)
        case NoAnswer():
            return Unavailable(f"{reply.failure}: {reply.detail}")
        case Answer():
            return _judge_answer(reply, count=count, tried=tried)


def _judge_answer(answer: Answer, *, count: int, tried: bool) -> Outcome:
    status, reason = answer.status, describe(answer)
    if 200 <= status < 300:
        return Accepted()
    if status >= 500 or status in TRANSIENT:
        return Unavailable(reason, answer.retry_after)
    if status < 400 or status in WHOLE_INTEGRATION:
        return IntegrationRefused(reason)
    if count > 1 and status in SPLITTABLE:
        return TooMuch(reason, by_size=status == 413)
    if status == 409 and tried:
        return Accepted()
    if count > 1:
        # It speaks of neither statement nor integration: let each statement face it alone.
        return TooMuch(reason, by_size=False)
    return StatementRefused(reason)


def describe(reply: Reply) -> str:
    """Put a reply in one line: `HTTP 503: maintenance until noon`."""
    match reply:
        case NoAnswer():
            return f"{reply.failure}: {reply.detail}"
        case Answer():
            words = " ".join(reply.body.split())[:300]
            return f"HTTP {reply.status}: {words}" if words else f"HTTP {reply.status}"
