"""Operations: replays, releases and discards of many statements; counted, begun, steered."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from delivery.facts.block import EndedAs
from delivery.facts.operation import Kind, Operation, OperationId, Selection, State, Verb
from delivery.facts.statement import StatementId
from delivery.operations import Preview
from hub.api.access import CallerOf, ReadableIntegration, WritableIntegration
from hub.api.auditing import note_steering
from hub.api.errors import NotFound
from hub.api.house import House, HouseOf
from hub.api.moments import GivenMoment
from hub.api.pages import Limit
from hub.api.strict import Form, StrictRoute, View
from hub.registry.parties.integration_records import IntegrationRecord
from hub.xapi.words import Uuid

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Operations"], route_class=StrictRoute
)

Cursor = Annotated[int | None, Query(ge=0, le=10**15, description="`next` of the page before")]


class ReplayForm(Form):
    """What is to be sent once more, by the time at which it was delivered or discarded."""

    since: GivenMoment | None = None
    until: GivenMoment | None = None
    statement_ids: Annotated[list[Uuid], Field(min_length=1, max_length=1000)] | None = None
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    outcome: Literal["delivered", "discarded"] = "delivered"
    in_front: bool = False
    dry_run: bool = False

    @model_validator(mode="after")
    def says_which(self) -> Self:
        if self.since is None and self.statement_ids is None:
            raise PydanticCustomError("choice", "must say since, or statementIds")
        if self.since and self.until and self.until <= self.since:
            raise PydanticCustomError("choice", "until must lie behind since")
        return self

    @property
    def selection(self) -> Selection:
        ids = self.statement_ids
        return Selection(
            since=self.since,
            until=self.until,
            status=self.status,
            outcome=EndedAs(self.outcome),
            ids=None if ids is None else frozenset(StatementId(one.lower()) for one in ids),
        )


class PreviewView(View):
    """How much is meant. `replayId` is null for a dry run: nothing was begun."""

    replay_id: str | None
    statements: int
    bytes: int
    oldest_accepted_at: datetime | None
    estimated_seconds: float | None

    @classmethod
    def of(cls, preview: Preview, operation: Operation | None) -> Self:
        count = preview.count
        return cls(
            replay_id=operation.id if operation else None,
            statements=count.statements,
            bytes=count.size,
            oldest_accepted_at=count.oldest,
            estimated_seconds=preview.takes.total_seconds() if preview.takes else None,
        )


class SelectionView(View):
    """Which statements an operation means."""

    since: datetime | None
    until: datetime | None
    status: int | None
    outcome: EndedAs | None
    statement_ids: list[str] | None


class OperationView(View):
    """An operation and its progress: so many of `statements` are done, or were skipped."""

    id: str
    kind: Kind
    state: State
    selection: SelectionView
    in_front: bool
    by: str
    began_at: datetime
    moved_at: datetime
    ended_at: datetime | None
    statements: int
    bytes: int
    done: int
    skipped: int

    @classmethod
    def of(cls, operation: Operation) -> Self:
        selection = operation.selection
        return cls(
            id=operation.id,
            kind=operation.kind,
            state=operation.state,
            selection=SelectionView(
                since=selection.since,
                until=selection.until,
                status=selection.status,
                outcome=selection.outcome,
                statement_ids=None if selection.ids is None else sorted(selection.ids),
            ),
            in_front=operation.lane == "front",
            by=operation.by,
            began_at=operation.began_at,
            moved_at=operation.moved_at,
            ended_at=operation.ended_at,
            statements=operation.total,
            bytes=operation.size,
            done=operation.done,
            skipped=operation.skipped,
        )


class OperationPage(View):
    """Some operations, and the cursor of what follows."""

    items: list[OperationView]
    next: int | None


@router.post("/replays", status_code=202)
async def begin_replay(
    record: WritableIntegration,
    form: ReplayForm,
    caller: CallerOf,
    house: HouseOf,
    response: Response,
) -> PreviewView:
    """Send once more what was delivered or discarded. With `dryRun`, only count it."""
    lines = await lines_of(house, record)
    preview = await house.operations.preview(record.id, Kind.REPLAY, form.selection, lines=lines)
    if form.dry_run or not preview.count.statements:
        return PreviewView.of(preview, None)
    await note_steering(
        *(house, caller, record, "replayed"),
        statements=preview.count.statements,
        ids=form.selection.ids,
    )
    operation = await house.operations.begin(
        record.id,
        Kind.REPLAY,
        form.selection,
        in_front=form.in_front,
        count=preview.count,
        by=caller.who,
    )
    response.headers["Location"] = f"/api/integrations/{record.id}/replays/{operation.id}"
    return PreviewView.of(preview, operation)


@router.get("/operations")
async def list_operations(
    record: ReadableIntegration, house: HouseOf, limit: Limit = 50, cursor: Cursor = None
) -> OperationPage:
    """List operations, newest first."""
    found, following = await house.operations.list(record.id, limit=limit, before=cursor)
    return OperationPage(items=[OperationView.of(one) for one in found], next=following)


@router.get("/replays/{operation_id}")
@router.get("/operations/{operation_id}")
async def get_operation(
    record: ReadableIntegration, operation_id: str, house: HouseOf
) -> OperationView:
    """Say how far an operation is."""
    return OperationView.of(
        _there(await house.operations.find(record.id, OperationId(operation_id)), operation_id)
    )


@router.post("/operations/{operation_id}/{verb}")
async def steer_operation(
    record: WritableIntegration,
    operation_id: str,
    verb: Literal["pause", "resume", "cancel"],
    house: HouseOf,
) -> OperationView:
    """Pause, resume or cancel an operation; what has ended stays as it is.

    A cancelled replay takes back what it has lined up and nobody has sent.
    """
    found = await house.operations.steer(record.id, OperationId(operation_id), Verb(verb))
    return OperationView.of(_there(found, operation_id))


async def lines_of(house: House, record: IntegrationRecord) -> int:
    """Say how many requests go to an integration's LRS at once."""
    provider = await house.providers.find(record.provider)
    return record.concurrency or (provider.concurrency if provider else 1)


def _there(operation: Operation | None, operation_id: str) -> Operation:
    if operation is None:
        raise NotFound(f"there is no operation {operation_id}")
    return operation
