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
from delivery.parked import Parked
from delivery.receipts import ReceiptState
from delivery.statement import StatementId
from hub.api.access import ReadableIntegration, WritableIntegration
from hub.api.errors import NotFound
from hub.api.house import HouseOf
from hub.api.pages import Limit
from hub.api.strict import Form, Moment, StrictRoute, View
from hub.errors import BadCursor
from hub.xapi.words import Uuid

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Deliveries"], route_class=StrictRoute
)

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
    """Which parked statements are meant: these, or all."""

    statement_ids: Annotated[list[Uuid], Field(min_length=1, max_length=1000)] | None = None
    all: bool | None = None

    @model_validator(mode="after")
    def names_some(self) -> Self:
        if (self.statement_ids is None) == (self.all is not True):
            raise PydanticCustomError("choice", "must be either statementIds, or all: true")
        return self

    @property
    def ids(self) -> Sequence[StatementId] | None:
        if self.statement_ids is None:
            return None
        return [StatementId(one.lower()) for one in self.statement_ids]


class Released(View):
    """How many statements were put back in front of the queue."""

    released: int


class Discarded(View):
    """How many statements were given up."""

    discarded: int


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


@router.post("/parked/release", status_code=202)
async def release_parked(record: WritableIntegration, form: ChoiceForm, house: HouseOf) -> Released:
    """Put parked statements back in front of the queue."""
    return Released(released=await house.control.release(record.id, form.ids))


@router.post("/parked/discard", status_code=202)
async def discard_parked(
    record: WritableIntegration, form: ChoiceForm, house: HouseOf
) -> Discarded:
    """Give parked statements up for good."""
    return Discarded(discarded=await house.control.discard(record.id, form.ids))


def _place(cursor: str | None) -> str | None:
    if cursor is not None and not PLACE.fullmatch(cursor):
        raise BadCursor("this cursor is not one of ours")
    return cursor
