"""Counters of all processes, added up in Redis so that any process can show them.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:meters` | hash | counts by name | for ever |

Names: `attempts|outcome|status class`, `delivery|upper bound` and `delivery|sum` in ms,
`intake|result`.

A process counts in memory and adds its counts every second; a kill -9 loses at most that second.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from delivery.keys import METERS
from delivery.sending import Sent
from delivery.store import Store
from delivery.times import length_ms

BOUNDS_MS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000, 3_600_000)
"""Upper bounds of the histogram from accepted to delivered; what is longer counts as +Inf."""
BOUNDS = (*map(str, BOUNDS_MS), "+Inf")


class Meters:
    """Counts what happens in this process, until `flush` adds it to everybody's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: Counter[str] = Counter()

    def note(self, sent: Sent, now: datetime) -> None:
        """Count the attempts of a window, and how long its delivered statements took."""
        for attempt in sent.attempts:
            status_class = f"{attempt.status // 100}xx" if attempt.status else "none"
            self._counts[f"attempts|{attempt.outcome}|{status_class}"] += 1
        for settled in sent.settled:
            if settled.reason is None:
                took = length_ms(now - settled.queued.accepted_at)
                bound = bisect_left(BOUNDS_MS, took)
                self._counts[
                    f"delivery|{BOUNDS_MS[bound] if bound < len(BOUNDS_MS) else '+Inf'}"
                ] += 1
                self._counts["delivery|sum"] += took

    def note_intake(self, result: str, count: int) -> None:
        """Count statements that arrived: accepted, duplicate, conflict, full or unavailable."""
        self._counts[f"intake|{result}"] += count

    async def flush(self) -> None:
        """Add this process's counts to everybody's; keep them if Redis is away, and raise."""
        if not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        try:
            await self._store.ask(*(("HINCRBY", METERS, n, c) for n, c in counts.items()))
        except Exception:
            self._counts.update(counts)
            raise

    async def read(self) -> Mapping[str, int]:
        """Give everybody's counts."""
        (counts,) = await self._store.ask(("HGETALL", METERS))
        return {name.decode(): int(count) for name, count in counts.items()}
