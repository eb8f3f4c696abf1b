"""Front door: how deliveries of integrations went, and when their status changed.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:minutes`, `hours`, `quarters` | hash | step -> counts, see `tallies` | as there |
| `hub:{id}:changes` | stream | changes of the status, newest last | the newest 200 |

Fields of a change: `at` (ms), `b` the status before, or nothing at the beginning, `s` the status
since, `r` the reason. The scripts that change a status write it, in the same step.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from math import ceil
from string import ascii_lowercase

from delivery.facts.integration import IntegrationId
from delivery.facts.status import Status
from delivery.facts.times import Clock, from_ms, length_ms, to_ms
from delivery.stores.keys import Keys
from delivery.stores.store import Command, Store
from delivery.stores.tallies import SHORTEST_MS

COUNTED = re.compile(rb"([A-Za-z])(\d+)")
HOURS_OF_A_DAY = 24
ENOUGH = 20
"""So many statements at full pace tell how fast an integration is."""


class Span(StrEnum):
    """How far back a history goes."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


@dataclass(frozen=True, slots=True)
class Grain:
    """How fine a history is: the name of its key, the length of a step, and how many there are."""

    name: str
    step: timedelta
    steps: int


GRAINS = {
    Span.HOUR: Grain("minutes", timedelta(minutes=1), 60),
    Span.DAY: Grain("hours", timedelta(hours=1), 24),
    Span.WEEK: Grain("hours", timedelta(hours=1), 7 * 24),
    Span.MONTH: Grain("quarters", timedelta(hours=6), 30 * 4),
}


@dataclass(frozen=True, slots=True)
class Point:
    """What happened in one step of a history."""

    at: datetime
    delivered: int
    refused: int
    """Statements set aside, and requests with which the whole integration was refused."""
    unavailable: int
    """Requests that found the server unavailable."""
    request_time: timedelta | None
    """How long an accepted request took, on the average."""
    half_within: timedelta | None
    """From accepted to delivered: half of the statements took no longer, about."""
    most_within: timedelta | None
    """And 95 of a hundred no longer than this."""
    queued: int
    """The most that waited when it was looked, once a minute."""
    parked: int


@dataclass(frozen=True, slots=True)
class Series:
    """A history: its points, oldest first, one for each step."""

    span: Span
    step: timedelta
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Hour:
    """What one hour delivered, and how often it failed."""

    delivered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an integration's status."""

    place: str
    at: datetime
    before: Status | None
    status: Status
    reason: str
    until: datetime | None
    """When the next change came; None while it stands."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an integration has been of late."""

    measured: float | None
    """Statements a second while more waited; None where too few did."""
    request_time: timedelta | None
    """How long an accepted request took, on the average; None where none was."""

    def catch_up(self, statements: int, *, batch_size: int, concurrency: int) -> timedelta | None:
        """Guess how long so many statements take once the server answers; None if unknown."""
        if self.measured:
            return timedelta(seconds=statements / self.measured)
        if self.request_time is None:
            return None
        return self.request_time * ceil(ceil(statements / batch_size) / concurrency)


class History:
    """Reads what became of deliveries."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def series(self, integration_id: IntegrationId, span: Span) -> Series:
        """Give the history of one integration, without gaps."""
        grain = GRAINS[span]
        steps = self._steps(grain)
        key = Keys(integration_id).steps(grain.name)
        (found,) = await self._store.ask(_asked(key, steps))
        length = length_ms(grain.step)
        points = [
            _point(from_ms(step * length), _read(text))
            for step, text in zip(steps, found, strict=True)
        ]
        return Series(span, grain.step, points)

    async def hours(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, Sequence[Hour]]:
        """Give the last 24 hours of each, oldest first, the present one last; in one round trip."""
        steps = self._steps(GRAINS[Span.DAY])
        found = await self._store.ask(*(_asked(Keys(i).hours, steps) for i in ids))
        return {i: [_hour(text) for text in texts] for i, texts in zip(ids, found, strict=True)}

    async def changes(
        self, integration_id: IntegrationId, *, limit: int, before: str | None = None
    ) -> Sequence[Change]:
        """Give the changes of status before a place, newest first."""
        key = Keys(integration_id).changes
        # The change at the place itself says until when the next one stood.
        wanted = limit + 1 if before else limit
        entries = await self._store.entries(key, before=before or "+", limit=wanted)
        found, until = list[Change](), None
        for place, fields in entries:
            change = _change(place, fields, until)
            until = change.at
            if place != before:
                found.append(change)
        return found[:limit]

    async def pace(self, integration_id: IntegrationId) -> Pace:
        """Tell how fast an integration has been in the newest hours that say anything of it."""
        grain = GRAINS[Span.WEEK]
        steps = self._steps(grain)
        (found,) = await self._store.ask(_asked(Keys(integration_id).hours, steps))
        hours = [_read(text) for text in reversed(found) if text]
        return Pace(_measured(hours), _request_time(hours))

    def _steps(self, grain: Grain) -> Sequence[int]:
        newest = to_ms(self._clock()) // length_ms(grain.step)
        return range(newest - grain.steps + 1, newest + 1)


def _asked(key: str, steps: Sequence[int]) -> Command:
    return ("HMGET", key, *map(str, steps))


def _read(text: bytes | None) -> Counter[str]:
    return Counter({letter.decode(): int(n) for letter, n in COUNTED.findall(text or b"")})


def _point(at: datetime, counts: Counter[str]) -> Point:
    return Point(
        at=at,
        delivered=counts["D"],
        refused=counts["R"] + counts["X"],
        unavailable=counts["U"],
        request_time=_request_time([counts]),
        half_within=_within(counts, 0.5),
        most_within=_within(counts, 0.95),
        queued=counts["Q"],
        parked=counts["P"],
    )


def _hour(text: bytes | None) -> Hour:
    counts = _read(text)
    return Hour(counts["D"], counts["R"] + counts["X"] + counts["U"])


def _within(counts: Counter[str], part: float) -> timedelta | None:
    """Say within which time so large a part of the statements was delivered."""
    so_far = list(accumulate(counts[letter] for letter in ascii_lowercase))
    wanted = so_far[-1] * part
    if not wanted:
        return None
    n = next(n for n, count in enumerate(so_far) if count >= wanted)
    under, count = (so_far[n - 1] if n else 0), counts[ascii_lowercase[n]]
    lower, upper = (SHORTEST_MS * 2 ** (n - 1) if n else 0), SHORTEST_MS * 2**n
    return timedelta(milliseconds=round(lower + (upper - lower) * (wanted - under) / count))


def _request_time(hours: Sequence[Counter[str]]) -> timedelta | None:
    newest = next((counts for counts in hours if counts["N"]), None)
    return None if newest is None else timedelta(milliseconds=newest["S"]) / newest["N"]


def _measured(hours: Sequence[Counter[str]]) -> float | None:
    newest = next((counts for counts in hours if counts["B"] >= ENOUGH and counts["W"]), None)
    return None if newest is None else newest["B"] / newest["W"] * 1000


def _change(place: str, fields: dict[bytes, bytes], until: datetime | None) -> Change:
    before = fields[b"b"].decode()
    return Change(
        place=place,
        at=from_ms(fields[b"at"]),
        before=Status(before) if before else None,
        status=Status(fields[b"s"].decode()),
        # It was cut by the byte.
        reason=fields[b"r"].decode(errors="ignore"),
        until=until,
    )
