"""The record of attempts, newest last, bounded; never in the way of a delivery.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:journal` | stream | `j`: one attempt as JSON, see `_write` | the newest KEPT |

The place of an entry says when it was written; pages go from the newest backwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import structlog

from delivery import scripts
from delivery.errors import StoreUnavailable
from delivery.integration import IntegrationId
from delivery.keys import Keys
from delivery.newest import Fields, page
from delivery.statement import StatementId
from delivery.store import Store
from delivery.times import from_ms, length_ms, to_ms

KEPT = 1000

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
        }
    )


def _read(fields: Fields) -> Attempt:
    written = orjson.loads(fields[b"j"])
    return Attempt(
        at=from_ms(written["at"]),
        statement_ids=tuple(StatementId(i) for i in written["ids"]),
        outcome=written["outcome"],
        status=written["status"],
        took=timedelta(milliseconds=written["ms"]),
        answer=written["answer"],
        reason=written["reason"],
    )
