"""What waits for one integration, in the order in which it is sent: read, and never changed.

A place names a lane and an entry in it, such as `queue 1700000000000-3`; reading goes on behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId
from delivery.facts.times import from_ms
from delivery.stores.keys import LANES, Keys
from delivery.stores.store import Store


@dataclass(frozen=True, slots=True)
class Waits:
    """A statement that waits. `since` is when it was accepted, or lined up once more."""

    place: str
    lane: str
    id: StatementId
    body: bytes
    accepted_at: datetime
    since: datetime
    replayed: bool


class Waiting:
    """Reads queues of any length, some statements at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, integration_id: IntegrationId, *, limit: int, after: str = ""
    ) -> Sequence[Waits]:
        """Give the next statements behind the place `after`, at most `limit`; none at the end."""
        keys, found = Keys(integration_id), list[Waits]()
        reached, _, entry = after.partition(" ")
        for lane in LANES[LANES.index(reached) if reached else 0 :]:
            first = f"({entry}" if lane == reached else "-"
            key, left = keys.lane(lane), limit - len(found)
            (entries,) = await self._store.ask(("XRANGE", key, first, "+", "COUNT", left))
            found.extend(_read(lane, place.decode(), fields) for place, fields in entries)
            if len(found) == limit:
                break
        return found


def is_place(text: str) -> bool:
    """Say whether a text can be a place."""
    lane, _, entry = text.partition(" ")
    ms, _, sequence = entry.partition("-")
    numbers = (ms, sequence)
    return lane in LANES and all(one.isascii() and one.isdecimal() for one in numbers)


def _read(lane: str, place: str, fields: dict[bytes, bytes]) -> Waits:
    accepted = fields[b"t"]
    return Waits(
        place=f"{lane} {place}",
        lane=lane,
        id=StatementId(fields[b"i"].decode()),
        body=fields[b"b"],
        accepted_at=from_ms(accepted),
        since=from_ms(fields.get(b"u") or accepted),
        replayed=b"o" in fields,
    )
