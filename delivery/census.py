"""Front door: how everything stands at a moment, in numbers; for metrics and for health."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from delivery.facts.integration import IntegrationId
from delivery.facts.server import Server, read_server
from delivery.facts.status import Status
from delivery.facts.times import Clock, from_ms, from_ms_or_none, to_ms
from delivery.facts.vital_signs import ALIVE, OVERDUE
from delivery.stores import scripts
from delivery.stores.keys import BEATS, DUE, INTEGRATIONS, OPERATIONS
from delivery.stores.store import Reply, Store

AT_ONCE = 100
"""Integrations for each script: Redis answers nobody else for a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one integration stands."""

    id: IntegrationId
    status: Status
    waiting: int
    parked: int
    oldest_since: datetime | None
    last_delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """How everything stands."""

    at: datetime
    standings: Sequence[Standing]
    beats: Mapping[str, datetime]
    """The last beat of each worker of the last day."""
    overdue: int
    """Integrations that nobody has claimed though they were due long ago."""
    operations: int
    server: Server

    @property
    def alive(self) -> int:
        """How many workers are there."""
        return sum(self.at - beat < ALIVE for beat in self.beats.values())


class Census:
    """Counts everything."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self) -> Numbers:
        """Count everything now. Raises StoreUnavailable."""
        now = self._clock()
        info, ids, beats, overdue, operations = await self._store.ask(
            ("INFO", "memory", "persistence"),
            ("SMEMBERS", INTEGRATIONS),
            ("ZRANGE", BEATS, 0, -1, "WITHSCORES"),
            ("ZCOUNT", DUE, "-inf", to_ms(now - OVERDUE)),
            ("ZCARD", OPERATIONS),
        )
        answered_in = self._clock() - now
        return Numbers(
            at=now,
            standings=await self.standings(sorted(IntegrationId(i.decode()) for i in ids)),
            beats={name.decode(): from_ms(beat) for name, beat in beats},
            overdue=overdue,
            operations=operations,
            server=read_server(info, answered_in),
        )

    async def standings(self, ids: Sequence[IntegrationId]) -> list[Standing]:
        """Tell how these stand; what delivery does not know is left out."""
        found: list[Standing] = []
        for start in range(0, len(ids), AT_ONCE):
            reply = await self._store.run(scripts.CENSUS, [], *ids[start : start + AT_ONCE])
            found.extend(_read(reply))
            # Ten thousand of them must not hold up everything else of this process.
            await asyncio.sleep(0)
        return found


def _read(reply: Reply) -> list[Standing]:
    words = reply if isinstance(reply, list) else []
    return [_standing(words[n : n + 6]) for n in range(0, len(words), 6)]


def _standing(words: Sequence[Reply]) -> Standing:
    match words:
        case [bytes() as id_, bytes() as status, int() as waiting, int() as parked, since, last]:
            return Standing(
                IntegrationId(id_.decode()),
                Status(status.decode()),
                waiting,
                parked,
                from_ms_or_none(since if isinstance(since, bytes) else None),
                from_ms_or_none(last if isinstance(last, bytes) else None),
            )
        case _:
            raise AssertionError(f"census.lua answered {words!r}")
