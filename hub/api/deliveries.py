"""What became of statements: receipts, attempts, and what is parked."""

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from delivery.journal import Attempt
from delivery.operation import Count, Kind, Selection
from delivery.parked import Parked
from delivery.receipts import ReceiptState
from delivery.statement import StatementId
from hub.api.access import CallerOf, ReadableIntegration, WritableIntegration
from hub.api.auditing import note_steering
from hub.api.errors import NotFound
from hub.api.house import House, HouseOf
from hub.api.moments import GivenMoment
from hub.api.pages import Limit
from hub.api.strict import Form, Moment, StrictRoute, View
from hub.errors import BadCursor
from hub.registry.integration_records import IntegrationRecord
from hub.xapi.words import Uuid

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Deliveries"], route_class=StrictRoute
)

AT_ONCE = 1000
"""More than this are discarded beside the request that asks for it."""
PLACE = re.compile(r"\d{1,19}-\d{1,19}", re.ASCII)
Cursor = Annotated[str | None, Query(max_length=50, description="`next` of the page before")]
HttpStatus = Annotated[int | None, Query(ge=100, le=599, description="the HTTP status answered")]
Since = Annotated[Moment | None, Query(description="not before")]
Until = Annotated[Moment | None, Query(description="before")]


class ReceiptView(View):
    """What became of one statement."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    state: ReceiptState
    accepted_at: datetime
    delivered_at: datetime | None
    attempts: int
    last_answer: str | None


class AttemptView(View):
    """One request to an LRS, or to its token endpoint, and its answer."""

    at: datetime
    statement_ids: tuple[str, ...]
    outcome: str
    status: int | None
    milliseconds: int
    answer: str
    reason: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        return cls(
            at=attempt.at,
            statement_ids=attempt.statement_ids,
            outcome=attempt.outcome,
            status=attempt.status,
            milliseconds=attempt.took // timedelta(milliseconds=1),
            answer=attempt.answer,
            reason=attempt.reason,
        )


class AttemptPage(View):
    """Some attempts, and the cursor of what follows."""

    items: list[AttemptView]
    next: str | None


class ParkedView(View):
    """A statement that was refused, what the server said, and which version it was refused with."""

    at: datetime
    statement_id: str
    outcome: Literal["refused"] = "refused"
    status: int | None
    milliseconds: int | None = None
    answer: str
    reason: str
    version: int
    statement: dict[str, object]

    @classmethod
    def of(cls, parked: Parked) -> Self:
        return cls(
            at=parked.at,
            statement_id=parked.statement_id,
            status=parked.status,
            answer=parked.answer,
            reason=parked.reason,
            version=parked.version,
            statement=json.loads(parked.body),
        )


class ParkedPage(View):
    """Some parked statements, and the cursor of what follows."""

    items: list[ParkedView]
    next: str | None


class ChoiceForm(Form):
    """Which parked statements are meant: these, all, or those of a status or a time.

    `since` and `until` are about when they were parked.
    """

    statement_ids: Annotated[list[Uuid], Field(min_length=1, max_length=1000)] | None = None
    all: bool | None = None
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    since: GivenMoment | None = None
    until: GivenMoment | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def names_some(self) -> Self:
        ways = (self.statement_ids is not None, self.all is True, self.selects)
        if sum(ways) != 1:
            raise PydanticCustomError(
                "choice", "must be one of statementIds, all: true, or status, since, until"
            )
        return self

    @property
    def selects(self) -> bool:
        return (self.status, self.since, self.until) != (None, None, None)

    @property
    def selection(self) -> Selection:
        return Selection(since=self.since, until=self.until, status=self.status)

    @property
    def ids(self) -> Sequence[StatementId] | None:
        if self.statement_ids is None:
            return None
        return [StatementId(one.lower()) for one in self.statement_ids]


class Released(View):
    """How many statements were put back in front of the queue, or will be by the operation."""

    released: int
    operation_id: str | None = None


class Discarded(View):
    """How many statements were given up, or will be by the operation."""

    discarded: int
    operation_id: str | None = None


@router.get("/statements/{statement_id}")
async def get_receipt(
    record: ReadableIntegration, statement_id: str, house: HouseOf
) -> ReceiptView:
    """Say what became of one statement."""
    receipt = await house.control.receipt(record.id, StatementId(statement_id.lower()))
    if receipt is None:
        raise NotFound(f"nothing is known of a statement {statement_id}")
    return ReceiptView.model_validate(receipt)


@router.get("/attempts")
async def list_attempts(
    record: ReadableIntegration,
    house: HouseOf,
    outcome: str | None = None,
    status: HttpStatus = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AttemptPage:
    """List attempts, newest first."""
    attempts, following = await house.control.attempts(
        record.id,
        outcome=outcome,
        status=status,
        since=since,
        until=until,
        limit=limit,
        before=_place(cursor),
    )
    return AttemptPage(items=[AttemptView.of(one) for one in attempts], next=following)


@router.get("/parked")
async def list_parked(
    record: ReadableIntegration,
    house: HouseOf,
    status: HttpStatus = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ParkedPage:
    """List parked statements, newest first."""
    parked, following = await house.control.parked(
        record.id, status=status, since=since, until=until, limit=limit, before=_place(cursor)
    )
    return ParkedPage(items=[ParkedView.of(one) for one in parked], next=following)


@router.post("/parked/release", status_code=202, response_model_exclude_none=True)
async def release_parked(
    record: WritableIntegration, form: ChoiceForm, caller: CallerOf, house: HouseOf
) -> Released:
    """Put parked statements back in front of the queue. With `dryRun`, only count them."""
    count = await _count(record, form, house)
    if form.dry_run or not count.statements:
        return Released(released=count.statements)
    await note_steering(house, caller, record, "released", statements=count.statements)
    if form.selects:
        operation = await house.operations.begin(
            record.id, Kind.RELEASE, form.selection, count=count, by=caller.who
        )
        return Released(released=operation.total, operation_id=operation.id)
    return Released(released=await house.control.release(record.id, form.ids))


@router.post("/parked/discard", status_code=202, response_model_exclude_none=True)
async def discard_parked(
    record: WritableIntegration, form: ChoiceForm, caller: CallerOf, house: HouseOf
) -> Discarded:
    """Give parked statements up for good. With `dryRun`, only count them."""
    count = await _count(record, form, house)
    if form.dry_run or not count.statements:
        return Discarded(discarded=count.statements)
    await note_steering(house, caller, record, "discarded", statements=count.statements)
    if form.selects or count.statements > AT_ONCE:
        operation = await house.operations.begin(
            record.id, Kind.DISCARD, form.selection, count=count, by=caller.who
        )
        return Discarded(discarded=operation.total, operation_id=operation.id)
    return Discarded(discarded=await house.control.discard(record.id, form.ids))


async def _count(record: IntegrationRecord, form: ChoiceForm, house: House) -> Count:
    if form.ids is None:
        # Releasing and discarding mean the same statements.
        preview = await house.operations.preview(record.id, Kind.RELEASE, form.selection)
        return preview.count
    receipts = [await house.control.receipt(record.id, one) for one in set(form.ids)]
    return Count(sum(one is not None and one.state is ReceiptState.PARKED for one in receipts))


def _place(cursor: str | None) -> str | None:
    if cursor is not None and not PLACE.fullmatch(cursor):
        raise BadCursor("this cursor is not one of ours")
    return cursor
