"""The record of attempts, newest last, bounded; never in the way of a delivery.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:journal` | stream | `j`: one attempt as JSON, see `_write` | the newest KEPT |

The place of an entry says when it was written, and is the id of the attempt; pages go from the
newest backwards. An entry is small, for there are a thousand for each integration: of what was
sent it keeps where it went and how large it was, and of an answer its headers only where that was
no success. The statements are looked up where they are now.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
import structlog

from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId
from delivery.facts.times import from_ms, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import Keys
from delivery.stores.newest import Fields, page
from delivery.stores.store import Store

KEPT = 1000
LOOKED_AT_ONCE = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to an LRS, or to its token endpoint on the way there."""

    at: datetime
    statement_ids: tuple[StatementId, ...]
    outcome: str
    """`accepted`, `unavailable` or `refused`."""
    status: int | None
    took: timedelta
    answer: str
    reason: str | None
    url: str | None = None
    """Where it went; None if it got no further than the token endpoint."""
    xapi_version: str = ""
    size: int = 0
    """The bytes of its statements."""
    headers: tuple[tuple[str, str], ...] = ()
    """The headers of the answer, without secrets; none of a success."""
    place: str = field(default="", compare=False)
    """Its entry in the journal; empty until it is read there."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """The attempts with one statement that the journal still has, oldest first."""

    attempts: tuple[Attempt, ...]
    all_kept: bool
    """The journal reaches back to where it was asked to look."""


class Journal:
    """Writes and reads the attempts of all integrations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, integration_id: IntegrationId, attempts: Sequence[Attempt]) -> None:
        """Write attempts down. A Redis that cannot is logged and forgiven: deliveries go on."""
        keys, written = Keys(integration_id), map(_write, attempts[-KEPT:])
        try:
            await self._store.run(scripts.RECORD, [keys.journal, keys.state], KEPT, *written)
        except StoreUnavailable as error:
            log.warning("journal.unwritten", integration=integration_id, error=str(error))

    async def page(
        self,
        integration_id: IntegrationId,
        *,
        keep: Callable[[Attempt], bool],
        limit: int,
        before: str | None,
    ) -> tuple[list[Attempt], str | None]:
        """Give the newest attempts that `keep` allows, and the cursor for the next page, if any."""
        key = Keys(integration_id).journal
        return await page(self._store, key, read=_read, keep=keep, limit=limit, before=before)

    async def find(self, integration_id: IntegrationId, place: str) -> Attempt | None:
        """Return one attempt; None if it is not kept any more, or never was."""
        (found,) = await self._store.ask(("XRANGE", Keys(integration_id).journal, place, place))
        return _read(place, found[0][1]) if found else None

    async def mentions(
        self, integration_id: IntegrationId, statement_id: StatementId, *, since: datetime
    ) -> Mentions:
        """Give the attempts with a statement; all are there if the journal reaches `since`."""
        key, before, found = Keys(integration_id).journal, "+", list[Attempt]()
        while before:
            reply = await self._store.run(
                scripts.MENTIONS, [key], before, LOOKED_AT_ONCE, statement_id
            )
            match reply:
                case [bytes() as last, *entries]:
                    words = [word for word in entries if isinstance(word, bytes)]
                    found += map(_mentioned, words[::2], words[1::2])
                    before = f"({last.decode()}" if last else ""
                case _:
                    raise AssertionError(f"mentions.lua answered {reply!r}")
        length, oldest = await self._store.ask(
            ("XLEN", key), ("XRANGE", key, "-", "+", "COUNT", 1), atomic=True
        )
        reaches = length < KEPT or _read("", oldest[0][1]).at < since
        return Mentions(tuple(reversed(found)), all_kept=reaches)


def _write(attempt: Attempt) -> bytes:
    return orjson.dumps(
        {
            "at": to_ms(attempt.at),
            "ids": attempt.statement_ids,
            "outcome": attempt.outcome,
            "status": attempt.status,
            "ms": length_ms(attempt.took),
            "answer": attempt.answer,
            "reason": attempt.reason,
            "url": attempt.url,
            "xapi": attempt.xapi_version,
            "size": attempt.size,
            "headers": attempt.headers,
        }
    )


def _mentioned(place: bytes, written: bytes) -> Attempt:
    return _read(place.decode(), {b"j": written})


def _read(place: str, fields: Fields) -> Attempt:
    written = orjson.loads(fields[b"j"])
    return Attempt(
        at=from_ms(written["at"]),
        statement_ids=tuple(StatementId(i) for i in written["ids"]),
        outcome=written["outcome"],
        status=written["status"],
        took=timedelta(milliseconds=written["ms"]),
        answer=written["answer"],
        reason=written["reason"],
        # What older versions did not write is not known.
        url=written.get("url"),
        xapi_version=written.get("xapi", ""),
        size=written.get("size", 0),
        headers=tuple((name, value) for name, value in written.get("headers", ())),
        place=place,
    )
