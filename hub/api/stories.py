"""One statement: where it is, what it says, and all that is known to have happened to it."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, Self

from fastapi import APIRouter
from pydantic import JsonValue

from delivery.facts.statement import StatementId
from delivery.stores.journal import Mentions
from delivery.stores.parked import Parked
from delivery.stores.receipts import Receipt, ReceiptState
from delivery.stores.whereabouts import InLane, Whereabouts
from hub.api.access import ReadableIntegration, ReadableProgram
from hub.api.attempts import AttemptView
from hub.api.errors import NotFound
from hub.api.house import House, HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.strict import StrictRoute, View
from hub.registry.parties.integration_records import IntegrationRecord
from hub.registry.trust.audit import AuditEntry

router = APIRouter(
    prefix="/api/integrations/{integration_id}/statements/{statement_id}",
    tags=["Deliveries"],
    route_class=StrictRoute,
)
of_program = APIRouter(
    prefix="/api/programs/{program_id}/statements/{statement_id}",
    tags=["Deliveries"],
    route_class=StrictRoute,
)

STEERED = 100
"""So many of the newest things that people did to an integration are looked at."""
What = Literal[
    "accepted", "attempted", "parked", "released", "discarded", "purged", "replayed", "changed",
    "delivered",
]  # fmt: skip


class InLaneView(View):
    """A statement's place among those that wait; `before` is null for far behind."""

    lane: Literal["front", "queue", "back"]
    before: int | None
    waiting: int
    operation_id: str | None

    @classmethod
    def of(cls, waiting: InLane) -> Self:
        return cls(
            lane=waiting.lane,
            before=waiting.before,
            waiting=waiting.waiting,
            operation_id=waiting.replayed_by,
        )


class SetAsideView(View):
    """When a statement was parked, and why."""

    at: datetime
    status: int | None
    answer: str
    reason: str
    version: int

    @classmethod
    def of(cls, parked: Parked) -> Self:
        return cls(
            at=parked.at,
            status=parked.status,
            answer=parked.answer,
            reason=parked.reason,
            version=parked.version,
        )


class ReceiptView(View):
    """What became of one statement."""

    id: str
    state: ReceiptState
    accepted_at: datetime
    delivered_at: datetime | None
    ended_at: datetime | None
    attempts: int
    last_answer: str | None

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        return cls(
            id=receipt.id,
            state=receipt.state,
            accepted_at=receipt.accepted_at,
            delivered_at=receipt.delivered_at,
            ended_at=receipt.ended_at,
            attempts=receipt.attempts,
            last_answer=receipt.last_answer,
        )


class StatementView(ReceiptView):
    """What became of one statement, where it is, and what it says if it is still kept."""

    waiting: InLaneView | None
    parked: SetAsideView | None
    statement: dict[str, JsonValue] | None

    @classmethod
    def at(cls, found: Whereabouts) -> Self:
        return cls(
            **ReceiptView.of(found.receipt).model_dump(),
            waiting=InLaneView.of(found.waiting) if found.waiting else None,
            parked=SetAsideView.of(found.parked) if found.parked else None,
            statement=json.loads(found.body) if found.body else None,
        )


class HappeningView(View):
    """One thing that happened. `by` is who did it; null for the hub.

    Where `certain` is false it was done to `statements` of the integration at once, and whether
    this one was among them is not known.
    """

    at: datetime
    what: What
    by: str | None = None
    statements: int | None = None
    certain: bool = True
    attempt: AttemptView | None = None


class StoryView(View):
    """All that is known to have happened to a statement, in the order of time.

    The journal keeps the newest thousand attempts of an integration: `complete` is false where
    earlier ones may have been forgotten.
    """

    id: str
    happenings: list[HappeningView]
    complete: bool


class HolderView(ReceiptView):
    """What became of a statement at one integration."""

    integration_id: str
    name: str
    provider: str
    provider_name: str


class HolderPage(View):
    """Where a statement is known, among the `lookedAt` integrations that this page is about."""

    items: list[HolderView]
    looked_at: int
    next: str | None


@router.get("")
async def get_statement(
    record: ReadableIntegration, statement_id: str, house: HouseOf
) -> StatementView:
    """Say what became of one statement, and where it is."""
    return StatementView.at(await _found(house, record, statement_id))


@router.get("/story")
async def tell_story(record: ReadableIntegration, statement_id: str, house: HouseOf) -> StoryView:
    """Tell all that is known to have happened to one statement."""
    found = await _found(house, record, statement_id)
    receipt = found.receipt
    mentions = await house.control.mentions(record.id, receipt.id, since=receipt.accepted_at)
    steered = [
        *(await house.audit.list(kind="statements", subject=record.id, limit=STEERED)).items,
        *(await house.audit.list(kind="integration", subject=record.id, limit=STEERED)).items,
    ]
    told = [*_told(found), *_attempted(mentions), *_steered(steered, found)]
    return StoryView(
        id=receipt.id,
        happenings=sorted(told, key=lambda one: one.at),
        complete=mentions.all_kept,
    )


@of_program.get("")
async def find_in_program(
    program_id: ReadableProgram,
    statement_id: str,
    house: HouseOf,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> HolderPage:
    """Say which of a program's integrations know a statement; `limit` of them a page."""
    page = await house.integrations.list([program_id], cursor=cursor, limit=limit)
    wanted, ids = StatementId(statement_id.lower()), [record.id for record in page.items]
    receipts = await house.control.receipts_in(ids, wanted) if ids else []
    providers = await house.providers.names({record.provider for record in page.items})
    holders = [
        HolderView(
            **ReceiptView.of(receipt).model_dump(),
            integration_id=record.id,
            name=record.name,
            provider=record.provider,
            provider_name=providers.get(record.provider, ""),
        )
        for record, receipt in zip(page.items, receipts, strict=True)
        if receipt is not None
    ]
    return HolderPage(items=holders, looked_at=len(ids), next=page.next)


async def _found(house: House, record: IntegrationRecord, statement_id: str) -> Whereabouts:
    found = await house.control.whereabouts(record.id, StatementId(statement_id.lower()))
    if found is None:
        raise NotFound(f"nothing is known of a statement {statement_id}")
    return found


def _told(found: Whereabouts) -> Iterator[HappeningView]:
    receipt = found.receipt
    yield HappeningView(at=receipt.accepted_at, what="accepted")
    if found.parked:
        yield HappeningView(at=found.parked.at, what="parked")
    if receipt.delivered_at:
        yield HappeningView(at=receipt.delivered_at, what="delivered")


def _attempted(mentions: Mentions) -> Iterator[HappeningView]:
    for attempt in mentions.attempts:
        yield HappeningView(
            at=attempt.at,
            what="attempted",
            statements=len(attempt.statement_ids),
            attempt=AttemptView.of(attempt),
        )


def _steered(entries: Sequence[AuditEntry], found: Whereabouts) -> Iterator[HappeningView]:
    for entry in entries:
        named = entry.changes.get("statementIds")
        if isinstance(named, list):
            concerns = found.receipt.id in named
        else:
            concerns = _may_concern(entry, found)
        if not concerns or entry.at < found.receipt.accepted_at:
            continue
        count = entry.changes.get("statements")
        is_of_integration = entry.kind == "integration"
        yield HappeningView(
            at=entry.at,
            what="changed" if is_of_integration else entry.action,
            by=entry.by,
            statements=count if isinstance(count, int) else None,
            certain=named is not None or is_of_integration,
        )


def _may_concern(entry: AuditEntry, found: Whereabouts) -> bool:
    """Say whether what was done to many can have been done to this statement as well."""
    receipt = found.receipt
    has_ended_since = receipt.ended_at is not None and receipt.ended_at >= entry.at
    match entry.action:
        case "released":
            return True
        case "discarded" | "purged":
            return receipt.state is ReceiptState.DISCARDED and has_ended_since
        case "replayed":
            return has_ended_since or bool(found.waiting and found.waiting.replayed_by)
        case action:
            # What was changed of an integration matters only if it released what was refused.
            return action != "created" and "version" in entry.changes
