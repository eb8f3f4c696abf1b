"""Statements set aside, because the LRS would not have them.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:parked` | stream | refused statements | until released or discarded |

Fields as in the queue, and `at` parked (ms), `s` status, `a` answer, `r` reason, `v` version.

A parked statement waits while the version it was refused with is still the integration's; a drain
that finds it otherwise puts it back in front of the queue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery import scripts
from delivery.integration import IntegrationId
from delivery.keys import DUE, Keys
from delivery.newest import Fields, page
from delivery.statement import StatementId
from delivery.store import Store
from delivery.times import Clock, from_ms, length_ms, to_ms

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Parked:
    """A statement that was refused, and what the server said."""

    statement_id: StatementId
    at: datetime
    status: int | None
    answer: str
    reason: str
    version: int
    body: bytes


class ParkedStatements:
    """Lists, releases and discards what is parked."""

    def __init__(
        self, store: Store, clock: Clock, receipt_age: timedelta, *, archived: bool = True
    ) -> None:
        self._store = store
        self._clock = clock
        self._receipt_age = receipt_age
        self._archived = archived

    async def page(
        self,
        integration_id: IntegrationId,
        *,
        keep: Callable[[Parked], bool],
        limit: int,
        before: str | None,
    ) -> tuple[list[Parked], str | None]:
        """Give the newest parked statements that `keep` allows, and the next page's cursor."""
        key = Keys(integration_id).parked
        return await page(self._store, key, read=_read, keep=keep, limit=limit, before=before)

    async def oldest(
        self, integration_id: IntegrationId, *, limit: int, after: str | None
    ) -> Sequence[tuple[str, Parked]]:
        """Give parked statements behind a place, oldest first, each with its own."""
        first = f"({after}" if after else "-"
        key = Keys(integration_id).parked
        (entries,) = await self._store.ask(("XRANGE", key, first, "+", "COUNT", limit))
        return [(place.decode(), _read(fields)) for place, fields in entries]

    async def release(
        self, integration_id: IntegrationId, ids: Sequence[StatementId] | None
    ) -> int:
        """Let these, or all that are parked now, be tried again; give how many.

        All of them are marked in one step, and move in front of the queue when it is next drained.
        """
        keys = Keys(integration_id)
        reply = await self._store.run(
            scripts.RELEASE,
            [keys.state, keys.front, keys.parked, DUE, keys.tries],
            to_ms(self._clock()),
            integration_id,
            keys.receipts,
            "all" if ids is None else "ids",
            *(ids or ()),
        )
        return reply if isinstance(reply, int) else 0

    async def discard(
        self, integration_id: IntegrationId, ids: Sequence[StatementId] | None
    ) -> int:
        """Give these, or all that are parked now, up for good; give how many."""
        if ids is not None:
            return await self._discard(integration_id, "ids", *ids)
        last = await self._store.entries(Keys(integration_id).parked, limit=1)
        if not last:
            return 0
        count = 0
        while chunk := await self._discard(integration_id, "chunk", last[0][0], AT_ONCE):
            count += chunk
        return count

    async def _discard(
        self, integration_id: IntegrationId, how: str, *what: str | bytes | int
    ) -> int:
        keys = Keys(integration_id)
        reply = await self._store.run(
            scripts.DISCARD,
            [keys.parked, keys.tries, keys.ended],
            to_ms(self._clock()),
            keys.receipts,
            length_ms(self._receipt_age),
            int(self._archived),
            how,
            *what,
        )
        return reply if isinstance(reply, int) else 0


def _read(fields: Fields) -> Parked:
    return Parked(
        statement_id=StatementId(fields[b"i"].decode()),
        at=from_ms(fields[b"at"]),
        status=int(fields[b"s"]) if fields[b"s"] else None,
        answer=fields[b"a"].decode(),
        reason=fields[b"r"].decode(),
        version=int(fields[b"v"]),
        body=fields[b"b"],
    )
