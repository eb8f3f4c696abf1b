"""Parked statements: what was refused, why, and what is to become of it."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from delivery.facts.operation import Count, Kind, Selection
from delivery.facts.statement import StatementId
from delivery.stores.parked import Parked, Wanted
from delivery.stores.receipts import ReceiptState
from hub.api.access import CallerOf, ReadableIntegration, WritableIntegration
from hub.api.attempts import Cursor, HttpStatus, Since, Until, place
from hub.api.auditing import note_steering
from hub.api.house import House, HouseOf
from hub.api.moments import GivenMoment
from hub.api.pages import Limit
from hub.api.strict import Form, StrictRoute, View
from hub.registry.parties.caller import Caller
from hub.registry.parties.integration_records import IntegrationRecord
from hub.xapi.words import Uuid

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Deliveries"], route_class=StrictRoute
)

AT_ONCE = 1000
"""More than this are discarded beside the request that asks for it."""
DONE = {Kind.RELEASE: "released", Kind.DISCARD: "discarded"}
COUNTING = timedelta(seconds=1.5)
"""So long is counted for a dry run, whatever is parked: somebody waits for it."""
Words = Annotated[
    str, Query(max_length=200, description="some of the server's words, in lower or upper case")
]


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
    """Some parked statements, and the cursor of what follows.

    A page ends when it has looked at enough, also where it found little: `lookedAt` says at how
    many, and `next` goes on from there.
    """

    items: list[ParkedView]
    next: str | None
    looked_at: int


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


class Steered(View):
    """What is the same of whatever becomes of parked statements."""

    operation_id: str | None = None
    at_least: bool | None = Field(
        None, description="of a dry run: so many were counted in the time that is given to it"
    )


class Released(Steered):
    """How many statements were put back in front of the queue, or will be by the operation."""

    released: int


class Discarded(Steered):
    """How many statements were given up, or will be by the operation."""

    discarded: int


@router.get("/parked")
async def list_parked(
    record: ReadableIntegration,
    house: HouseOf,
    status: HttpStatus = None,
    since: Since = None,
    until: Until = None,
    words: Words = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ParkedPage:
    """List parked statements, newest first."""
    wanted = Wanted(status=status, since=since, until=until, words=words)
    page = await house.control.parked(record.id, wanted, limit=limit, before=place(cursor))
    return ParkedPage(
        items=[ParkedView.of(one) for one in page.items],
        next=page.following,
        looked_at=page.looked_at,
    )


@router.post("/parked/release", status_code=202, response_model_exclude_none=True)
async def release_parked(
    record: WritableIntegration, form: ChoiceForm, caller: CallerOf, house: HouseOf
) -> Released:
    """Put parked statements back in front of the queue.

    With `dryRun`, only count them; where very many are parked, `atLeast` says that there are more.
    """
    count, told = await _steer(Kind.RELEASE, record, form, caller, house)
    return Released(released=count, **told.model_dump())


@router.post("/parked/discard", status_code=202, response_model_exclude_none=True)
async def discard_parked(
    record: WritableIntegration, form: ChoiceForm, caller: CallerOf, house: HouseOf
) -> Discarded:
    """Give parked statements up for good.

    With `dryRun`, only count them; where very many are parked, `atLeast` says that there are more.
    """
    count, told = await _steer(Kind.DISCARD, record, form, caller, house)
    return Discarded(discarded=count, **told.model_dump())


async def _steer(
    kind: Literal[Kind.RELEASE, Kind.DISCARD],
    record: IntegrationRecord,
    form: ChoiceForm,
    caller: Caller,
    house: House,
) -> tuple[int, Steered]:
    """Say how many it is, and which operation does it if that takes longer than the request."""
    count = await _count(record, form, house)
    if form.dry_run or not count.statements:
        return count.statements, Steered(at_least=None if count.whole else True)
    await note_steering(
        house, caller, record, DONE[kind], statements=count.statements, ids=form.ids
    )
    is_long = kind is Kind.DISCARD and count.statements > AT_ONCE
    if form.selects or is_long:
        operation = await house.operations.begin(
            record.id, kind, form.selection, count=count, by=caller.who
        )
        return operation.total, Steered(operation_id=operation.id)
    steer = house.control.release if kind is Kind.RELEASE else house.control.discard
    return await steer(record.id, form.ids), Steered()


async def _count(record: IntegrationRecord, form: ChoiceForm, house: House) -> Count:
    if form.selects:
        # Releasing and discarding mean the same statements.
        preview = await house.operations.preview(
            record.id, Kind.RELEASE, form.selection, within=COUNTING if form.dry_run else None
        )
        return preview.count
    if form.ids is None:
        return Count((await house.control.health([record.id]))[record.id].parked)
    receipts = [await house.control.receipt(record.id, one) for one in set(form.ids)]
    return Count(sum(one is not None and one.state is ReceiptState.PARKED for one in receipts))
