"""Statements set aside, because the LRS would not have them.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:parked` | stream | refused statements | until released or discarded |

Fields as in the queue, and `at` parked (ms), `s` status, `a` answer, `r` reason, `v` version.

A parked statement waits while the version it was refused with is still the integration's; a drain
that finds it otherwise puts it back in front of the queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId
from delivery.facts.times import Clock, from_ms, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import DUE, Keys
from delivery.stores.store import Reply, Store

AT_ONCE = 1000
SOUGHT_AT_ONCE = 200
MOST_SOUGHT = 8000
"""So many statements are looked at for one page, so that it comes soon whatever is looked for."""
ENOUGH = timedelta(milliseconds=150)
"""After so long nothing more is looked at, however few that were."""
SKEW = timedelta(seconds=30)
"""How far the clocks of two workers may be apart."""

Fields = dict[bytes, bytes]


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


@dataclass(frozen=True, slots=True)
class ParkedPage:
    """Some parked statements, newest first."""

    items: list[Parked]
    following: str | None
    """The cursor of what follows; there may be one although nothing was found, for a page ends
    when it has looked at enough."""
    looked_at: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which parked statements are looked for: those that agree with all that is said here."""

    status: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""
    """Some of the server's words, in lower or upper case."""


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
        self, integration_id: IntegrationId, wanted: Wanted, *, limit: int, before: str | None
    ) -> ParkedPage:
        """Give the newest parked statements that are wanted, after looking at MOST_SOUGHT at most.

        `before` is the cursor of the page before.
        """
        key, found, looked_at = Keys(integration_id).parked, list[Parked](), 0
        place = before or await self._start(key, wanted.until)
        until = self._clock() + ENOUGH
        while looked_at < MOST_SOUGHT:
            last, looked, entries = await self._seek(key, wanted, place, limit - len(found))
            found += entries
            looked_at += looked
            if not last or len(found) == limit:
                return ParkedPage(found, last or None, looked_at)
            place = last
            if self._clock() > until:
                break
        return ParkedPage(found, place, looked_at)

    async def find(self, integration_id: IntegrationId, place: str) -> Parked | None:
        """Return what is parked at a place."""
        (found,) = await self._store.ask(("XRANGE", Keys(integration_id).parked, place, place))
        return _read(found[0][1]) if found else None

    async def _seek(
        self, key: str, wanted: Wanted, before: str, limit: int
    ) -> tuple[str, int, list[Parked]]:
        is_any = wanted == Wanted()
        reply = await self._store.run(
            scripts.SEEK,
            [key],
            f"({before}" if before else "+",
            limit if is_any else SOUGHT_AT_ONCE,
            limit,
            wanted.status or "",
            "" if wanted.since is None else to_ms(wanted.since),
            "" if wanted.until is None else to_ms(wanted.until),
            wanted.words,
            length_ms(SKEW),
        )
        match reply:
            case [bytes() as last, int() as looked, *entries]:
                return last.decode(), looked, [_read(_named(words)) for words in entries[1::2]]
            case _:
                raise AssertionError(f"seek.lua answered {reply!r}")

    async def _start(self, key: str, until: datetime | None) -> str:
        """Give a place behind all that was parked before `until`, found by halving; else none."""
        if until is None:
            return ""
        first, newest = await self._store.ask(
            ("XRANGE", key, "-", "+", "COUNT", 1), ("XREVRANGE", key, "+", "-", "COUNT", 1)
        )
        if not newest or _read(newest[0][1]).at < until + SKEW:
            return ""
        low, high = _ms(first[0][0]) - 1, _ms(newest[0][0])
        while high - low > 1:
            middle = (low + high) // 2
            found = await self._store.entries(key, before=str(middle), limit=1)
            if found and _read(found[0][1]).at >= until + SKEW:
                high = middle
            else:
                low = middle
        return f"{high + 1}-0"

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


def _named(words: Reply) -> Fields:
    known = [word for word in words if isinstance(word, bytes)] if isinstance(words, list) else []
    return dict(zip(known[::2], known[1::2], strict=True))


def _ms(place: bytes) -> int:
    return int(place.partition(b"-")[0])


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
