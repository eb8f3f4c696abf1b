"""What is remembered of every accepted statement, and for how long.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:receipt:<sid>` | string | one line, see below | HUB_RECEIPT_DAYS |

`state|digest|accepted|ended|attempts|place|answer`; the days begin when the statement is delivered
or discarded, so that a long outage forgets nothing.

The scripts write them, in the same step as the fact they tell of; this module reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId
from delivery.facts.times import from_ms, from_ms_or_none
from delivery.stores.keys import Keys
from delivery.stores.store import Store


class ReceiptState(StrEnum):
    """Where a statement is, or how it ended."""

    QUEUED = "queued"
    PARKED = "parked"
    DELIVERED = "delivered"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one statement."""

    id: StatementId
    state: ReceiptState
    accepted_at: datetime
    delivered_at: datetime | None
    attempts: int
    last_answer: str | None
    ended_at: datetime | None = None
    """When it was delivered or discarded."""
    place: str = field(default="", compare=False)
    """Where it stands in its lane, or among what is parked."""


class Receipts:
    """Reads receipts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(
        self, integration_id: IntegrationId, statement_id: StatementId
    ) -> Receipt | None:
        """Return what is remembered of a statement; None if it never came or was forgotten."""
        keys = Keys(integration_id)
        text, tries = await self._store.ask(
            ("GET", f"{keys.receipts}{statement_id}"),
            ("HGET", keys.tries, statement_id),
            atomic=True,
        )
        return _read(statement_id, text, tries) if text else None

    async def find_in(
        self, ids: Sequence[IntegrationId], statement_id: StatementId
    ) -> list[Receipt | None]:
        """Return what is remembered of a statement by each of these integrations."""
        keys = [Keys(integration_id) for integration_id in ids]
        texts = await self._store.ask(*(("GET", f"{k.receipts}{statement_id}") for k in keys))
        return [_read(statement_id, text, None) if text else None for text in texts]


def _read(statement_id: StatementId, text: bytes, tries: bytes | None) -> Receipt:
    state, _, accepted, ended, attempts, place, answer = text.decode().split("|", 6)
    if tries:
        # Attempts that failed since the receipt was written are counted beside it.
        attempts, answer = tries.decode().split("|", 1)
    delivered = ended.encode() if state == ReceiptState.DELIVERED else None
    return Receipt(
        id=statement_id,
        state=ReceiptState(state),
        accepted_at=from_ms(int(accepted)),
        delivered_at=from_ms_or_none(delivered),
        attempts=int(attempts),
        last_answer=answer or None,
        ended_at=from_ms_or_none(ended.encode()),
        place=place,
    )
