"""What became of each integration's statements, counted by the minute, the hour, the quarter day.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:minutes` | hash | minute since 1970 -> its counts | an hour |
| `hub:{id}:hours` | hash | hour since 1970 -> its counts | a week |
| `hub:{id}:quarters` | hash | quarter of a day since 1970 -> its counts | 30 days |
| `hub:sampling` | string | who has written this minute's queues down | the rest of the minute |

Counts are one word, such as `D12N3S450c9d3`: a letter for what is counted, and its number. What did
not happen is not written, so that an integration at rest costs nothing.

| letter | meaning |
|---|---|
| `D`, `R` | statements delivered, and refused and set aside |
| `U`, `X` | requests that found the server unavailable, or refused the whole integration |
| `N`, `S` | requests that were accepted, and the ms they took |
| `B`, `W` | statements settled while more waited behind them, and the ms that took |
| `Q`, `P` | the most that waited, and that was parked, when it was looked |
| `a` to `z` | statements by the time from accepted to delivered: up to 10 ms, 20 ms, 40 ms … |

A process counts in memory and adds its counts every second; a kill -9 loses at most that second.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from string import ascii_lowercase

from delivery.facts.integration import IntegrationId
from delivery.facts.outcome import IntegrationRefused
from delivery.facts.times import Clock, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import INTEGRATIONS, SAMPLING
from delivery.stores.sent import Sent
from delivery.stores.store import Argument, Store

AT_ONCE = 100
"""Integrations for each script: Redis answers nobody else for a few milliseconds."""
MINUTE = timedelta(minutes=1)
SHORTEST_MS = 10
"""What took no longer counts as `a`; each further letter is for twice as long as the one before."""


class Tallies:
    """Counts what becomes of statements in this process, until `flush` adds it to everybody's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: dict[tuple[IntegrationId, int], Counter[str]] = defaultdict(Counter)

    def note(
        self, integration_id: IntegrationId, sent: Sent, now: datetime, *, took: timedelta | None
    ) -> None:
        """Count what became of a window; `took` is how long it took, if more waited behind it."""
        counts = self._counts[integration_id, to_ms(now) // length_ms(MINUTE)]
        for attempt in sent.attempts:
            if attempt.outcome == "accepted":
                counts["N"] += 1
                counts["S"] += length_ms(attempt.took)
            elif attempt.outcome == "unavailable":
                counts["U"] += 1
        counts["X"] += isinstance(sent.stop, IntegrationRefused)
        for settled in sent.settled:
            if settled.reason is not None:
                counts["R"] += 1
                continue
            counts["D"] += 1
            if not settled.queued.replayed:
                counts[letter_of(now - settled.queued.accepted_at)] += 1
        if took is not None:
            counts["B"] += len(sent.settled)
            counts["W"] += length_ms(took)

    async def flush(self) -> None:
        """Add this process's counts to everybody's; keep them if Redis is away, and raise."""
        counts, self._counts = self._counts, defaultdict(Counter)
        noted = list(counts.items())
        for n in range(0, len(noted), AT_ONCE):
            chunk = noted[n : n + AT_ONCE]
            words = [word for key, counted in chunk for word in _words(key, counted)]
            try:
                await self._store.run(scripts.TALLY, [], *words)
            except Exception:
                for key, counted in noted[n:]:
                    self._counts[key].update(counted)
                raise


class Sampling:
    """Writes down once a minute how much waits, whichever worker comes first."""

    def __init__(self, store: Store, clock: Clock, name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name

    async def run(self) -> None:
        """Look at all queues, if nobody has done so in this minute. Raises StoreUnavailable."""
        now = to_ms(self._clock())
        # The lease ends with the minute, so that each minute has a sample.
        rest = length_ms(MINUTE) - now % length_ms(MINUTE)
        (mine,) = await self._store.ask(("SET", SAMPLING, self._name, "NX", "PX", rest))
        if not mine:
            return
        (ids,) = await self._store.ask(("SMEMBERS", INTEGRATIONS))
        known = list(ids)
        for n in range(0, len(known), AT_ONCE):
            await self._store.run(scripts.SAMPLE, [], now, *known[n : n + AT_ONCE])


def letter_of(took: timedelta) -> str:
    """Give the letter that counts a statement which took so long."""
    doublings = (max(length_ms(took) - 1, 0) // SHORTEST_MS).bit_length()
    return ascii_lowercase[min(doublings, len(ascii_lowercase) - 1)]


def _words(key: tuple[IntegrationId, int], counted: Counter[str]) -> Sequence[Argument]:
    integration_id, minute = key
    text = "".join(f"{letter}{count}" for letter, count in counted.items() if count)
    return (integration_id, minute * length_ms(MINUTE), text)
