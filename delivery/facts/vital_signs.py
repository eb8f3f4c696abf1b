"""What each worker says of itself with every beat, and what is wrong with that. Pure.

A worker beats from the loop that does its work. So one whose loop hangs falls silent; one whose
drains hang goes on beating, and says since when its oldest drain is open.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import orjson

from delivery.facts.integration import IntegrationId
from delivery.facts.server import Server
from delivery.facts.times import from_ms, length_ms, to_ms

ALIVE = timedelta(seconds=10)
"""Workers beat every second; who has not for so long is not there."""
OVERDUE = timedelta(seconds=30)
"""An integration is claimed at the latest a second after it is due, and its score moves on."""
REMEMBERED = timedelta(minutes=10)
"""A worker that fell silent without taking leave is told of for so long."""
LONGEST_DRAIN = timedelta(minutes=5)
"""A drain works for two seconds, and then as long as its last requests take; those have limits."""
LARGEST_SKEW = timedelta(seconds=2)
STALLED = timedelta(minutes=5)
"""So old may a statement of a flowing integration become while nothing of it is delivered."""
MEMORY_HIGH, MEMORY_SHORT = 0.8, 0.9


@dataclass(frozen=True, slots=True)
class Sign:
    """One worker at its last beat."""

    name: str
    host: str
    release: str
    at: datetime
    """By the worker's own clock."""
    skew: timedelta
    """How far that is ahead of Redis' clock."""
    drains: int
    oldest_drain: timedelta

    def write(self) -> bytes:
        """Write it down."""
        fields = asdict(self) | {
            "at": to_ms(self.at),
            "skew": length_ms(self.skew),
            "oldest_drain": length_ms(self.oldest_drain),
        }
        return orjson.dumps(fields)

    @classmethod
    def read(cls, text: bytes) -> "Sign":
        """Read what `write` wrote, by this or another release."""
        said = orjson.loads(text)
        return cls(
            name=said["name"],
            host=said.get("host", "unknown"),
            release=said.get("release", "unknown"),
            at=from_ms(said["at"]),
            skew=timedelta(milliseconds=said.get("skew", 0)),
            drains=said.get("drains", 0),
            oldest_drain=timedelta(milliseconds=said.get("oldest_drain", 0)),
        )


@dataclass(frozen=True, slots=True)
class Signs:
    """All that can be told of delivery's life at a moment."""

    at: datetime
    workers: Sequence[Sign]
    overdue: int
    """Integrations that were due long ago and that no worker has claimed."""
    stalled: Sequence[IntegrationId]
    """Flowing integrations whose statements grow old while nothing is delivered."""
    server: Server

    @property
    def alive(self) -> list[Sign]:
        """The workers that beat."""
        return [sign for sign in self.workers if self.at - sign.at < ALIVE]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that is wrong, and what helps. A grave one means that delivery does not go on."""

    about: str
    text: str
    remedy: str
    grave: bool = False


def complaints(signs: Signs) -> list[Complaint]:
    """Say what is wrong, the worst first."""
    found = [*_of_workers(signs), *_of_progress(signs), *_of_server(signs.server)]
    return sorted(found, key=lambda complaint: not complaint.grave)


def _of_workers(signs: Signs) -> Iterator[Complaint]:
    alive = signs.alive
    if not alive:
        yield Complaint("worker", _silence(signs), "start a worker: hub worker", grave=True)
    stuck = [sign for sign in alive if sign.oldest_drain > LONGEST_DRAIN]
    for sign in stuck:
        yield Complaint(
            "worker",
            f"{sign.name} lives, but a drain has not ended for {_seconds(sign.oldest_drain)}",
            "look at its log and restart it; others go on with what it holds",
            grave=len(stuck) == len(alive),
        )
    for sign in signs.workers:
        if ALIVE <= signs.at - sign.at < REMEMBERED and alive:
            silent = _seconds(signs.at - sign.at)
            yield Complaint(
                "worker",
                f"{sign.name} fell silent {silent} ago without taking leave",
                "it was killed, or its loop hangs: if it still runs, restart it",
            )
    for sign in alive:
        if abs(sign.skew) > LARGEST_SKEW:
            yield Complaint(
                "clock",
                f"the clock of {sign.host} is {sign.skew.total_seconds():.1f} s from that of Redis",
                "let NTP set the clocks of all hosts: due times are written and read by them",
            )
    releases = sorted({sign.release for sign in alive})
    if len(releases) > 1:
        yield Complaint(
            "release", f"workers of {', '.join(releases)} side by side", "finish the upgrade"
        )


def _of_progress(signs: Signs) -> Iterator[Complaint]:
    if signs.overdue:
        yield Complaint(
            "progress",
            f"{signs.overdue} integrations are due, and no worker has claimed them",
            "the workers' clocks do not do their work: restart them, and look at their logs",
            grave=True,
        )
    if signs.stalled:
        yield Complaint(
            "progress",
            f"statements grow old without a delivery: {_some(signs.stalled)}",
            "hub integrations attempts ID, and the workers' logs",
        )


def _of_server(server: Server) -> Iterator[Complaint]:
    if not server.last_write_ok:
        yield Complaint(
            "redis",
            "Redis could not write to its disk",
            "make room on its disk; its log says why",
            grave=True,
        )
    if not server.keeps_log:
        yield Complaint(
            "redis",
            "appendonly is off: a restart of Redis loses accepted statements",
            "CONFIG SET appendonly yes, and in its configuration",
        )
    if server.memory_share > MEMORY_HIGH:
        yield Complaint(
            "memory",
            f"Redis uses {server.memory_share:.0%} of its memory"
            + ("; intake is refused" if server.memory_share > MEMORY_SHORT else ""),
            "more memory, or find out who is behind: hub queue show",
        )


def _silence(signs: Signs) -> str:
    newest = max((sign.at for sign in signs.workers), default=None)
    if newest is None:
        return "no worker has ever beaten"
    return f"no worker for {_seconds(signs.at - newest)}"


def _some(ids: Iterable[IntegrationId]) -> str:
    named = sorted(ids)
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return ", ".join(named[:5]) + more


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.0f} s"
