"""Counters of all processes, added up in Redis so that any process can show them.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:meters` | hash | counts by name | for ever |

Names: `name|label|label`; of lengths of time `name|label|upper bound` and `name|label|sum`, in ms.

A process counts in memory and adds its counts every second; a kill -9 loses at most that second.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock

from delivery.facts.times import length_ms
from delivery.stores.keys import METERS
from delivery.stores.sent import Sent
from delivery.stores.store import Store

BOUNDS_MS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000, 3_600_000)
"""Upper bounds of the lengths of time; what is longer counts as +Inf."""
BOUNDS = (*map(str, BOUNDS_MS), "+Inf")


class Meters:
    """Counts what happens in this process, until `flush` adds it to everybody's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: Counter[str] = Counter()
        self._since_start: Counter[str] = Counter()
        # Rings are counted on a thread of their own.
        self._lock = Lock()

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Count that something happened."""
        with self._lock:
            self._counts["|".join((name, *labels))] += by

    def time(self, name: str, *labels: str, took: timedelta) -> None:
        """Count that something happened, and how long it took."""
        ms = length_ms(took)
        self.count(name, *labels, BOUNDS[bisect_left(BOUNDS_MS, ms)])
        self.count(name, *labels, "sum", by=ms)

    def note(self, sent: Sent, now: datetime) -> None:
        """Count the attempts of a window, and how long its delivered statements took."""
        for attempt in sent.attempts:
            status_class = f"{attempt.status // 100}xx" if attempt.status else "none"
            self.count("attempts", attempt.outcome, status_class)
            self.time("attempt", attempt.outcome, took=attempt.took)
        for settled in sent.settled:
            if settled.reason is not None:
                self.count("parked")
            elif settled.queued.replayed:
                self.count("replayed")
            else:
                self.time("delivery", took=now - settled.queued.accepted_at)

    def note_intake(self, result: str, count: int) -> None:
        """Count statements that arrived: accepted, duplicate, conflict, full or unavailable."""
        self.count("intake", result, by=count)

    async def flush(self) -> None:
        """Add this process's counts to everybody's; keep them if Redis is away, and raise."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._store.ask(*(("HINCRBY", METERS, n, c) for n, c in counts.items()))
        except Exception:
            with self._lock:
                self._counts.update(counts)
            raise
        with self._lock:
            self._since_start.update(counts)

    async def read(self) -> Mapping[str, int]:
        """Give everybody's counts."""
        (counts,) = await self._store.ask(("HGETALL", METERS))
        return {name.decode(): int(count) for name, count in counts.items()}

    def own(self) -> Mapping[str, int]:
        """Give what this process has counted since it started."""
        with self._lock:
            return self._since_start + self._counts


def buckets(counts: Mapping[str, int], name: str, labels: Sequence[str] = ()) -> list[int]:
    """Give how many took no longer than each of BOUNDS."""
    so_far, found = 0, []
    for bound in BOUNDS:
        so_far += counts.get("|".join((name, *labels, bound)), 0)
        found.append(so_far)
    return found
