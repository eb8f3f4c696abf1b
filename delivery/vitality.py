"""Front door: whether delivery lives and gets on; cheap enough to be asked each second."""

from datetime import datetime, timedelta

from delivery.facts.integration import IntegrationId
from delivery.facts.server import read_server
from delivery.facts.status import Status
from delivery.facts.times import Clock, from_ms, to_ms
from delivery.facts.vital_signs import OVERDUE, STALLED, Sign, Signs
from delivery.stores import scripts
from delivery.stores.keys import BEATS, DUE, WORKERS
from delivery.stores.store import Store

LOOKED_AT = 100
"""So many of those that are at work are looked at: enough to see whether anything gets on."""


class Vitality:
    """Looks at the workers, at those they work for, and at Redis."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def look(self) -> Signs:
        """Look now. Raises StoreUnavailable."""
        now = self._clock()
        info, beats, signs, overdue, busy = await self._store.ask(
            ("INFO", "memory", "persistence"),
            ("ZRANGE", BEATS, 0, -1, "WITHSCORES"),
            ("HGETALL", WORKERS),
            ("ZCOUNT", DUE, "-inf", to_ms(now - OVERDUE)),
            ("ZRANGE", DUE, 0, LOOKED_AT - 1),
        )
        answered_in = self._clock() - now
        ids = [IntegrationId(one.decode()) for one in busy]
        return Signs(
            at=now,
            workers=[_sign(name, beat, signs.get(name)) for name, beat in beats],
            overdue=overdue,
            stalled=await self._stalled(ids, now),
            server=read_server(info, answered_in),
        )

    async def _stalled(self, ids: list[IntegrationId], now: datetime) -> list[IntegrationId]:
        reply = await self._store.run(scripts.CENSUS, [], *ids) if ids else []
        words = reply if isinstance(reply, list) else []
        found = []
        for n in range(0, len(words), 6):
            id_, status, _, _, since, delivered = words[n : n + 6]
            if isinstance(id_, bytes) and status == Status.FLOWING.encode():
                moments = [from_ms(at) for at in (since, delivered) if isinstance(at, bytes) and at]
                if since and all(now - moment > STALLED for moment in moments):
                    found.append(IntegrationId(id_.decode()))
        return found


def _sign(name: bytes, beat: float, text: bytes | None) -> Sign:
    if text is not None:
        return Sign.read(text)
    # A worker of an older release, which only beats.
    return Sign(name.decode(), "unknown", "unknown", from_ms(beat), timedelta(), 0, timedelta())
