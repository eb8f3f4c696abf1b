"""Syncs: events become rows, LearningBuilder takes them in batches; and what came of each run.

What failed decides the status of an answer; where several things failed, the first in this order:

    504  LearningBuilder was silent: nobody knows what it took
    502  it refused, failed, or could not be reached
    422  a template fails on an event
    409  a subscription was changed meanwhile
    503  the hub was stopped in the middle

The problem tells of all of them, and of the batches that went through.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, JsonValue
from starlette.responses import JSONResponse

from hub.api.access import CallerOf, ReadableProgram, writable_program
from hub.api.errors import NotFound
from hub.api.house import HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.problems import COME_BACK_LATER, problem
from hub.api.strict import StrictRoute, View
from hub.registry.clearing_house.sync_batches import Batch, BatchState, Sum
from hub.registry.clearing_house.syncs import Sync, SyncState, Trigger
from hub.sync.report import FailureKind, SyncReport
from hub.sync.synchronizer import Order
from hub.sync.telling import sentence

router = APIRouter(tags=["Syncs"], route_class=StrictRoute)

STATUSES: Mapping[FailureKind, int] = {
    FailureKind.SILENT: 504,
    FailureKind.UNKNOWN: 502,
    FailureKind.REFUSED: 502,
    FailureKind.UNREACHED: 502,
    FailureKind.TEMPLATE: 422,
    FailureKind.CHANGED: 409,
    FailureKind.CUT_SHORT: 503,
}
"""What each failure is answered with, the one that counts most first."""
SYNC_ID = re.compile(r"[0-9a-f-]{36}")

ProcessId = int | str


class TakenBatchView(View):
    """A batch that LearningBuilder took."""

    publisher: str
    import_process_id: ProcessId
    rows: int
    queue_batch_id: str | None
    queue_batch_details: str | None
    file_name: str
    repeated: bool

    @classmethod
    def of(cls, batch: Batch) -> Self:
        return cls(
            publisher=batch.publisher_program_id,
            import_process_id=_process(batch.import_process_id),
            rows=batch.rows,
            queue_batch_id=batch.queue_batch_id,
            queue_batch_details=batch.queue_batch_details,
            file_name=batch.file_name,
            repeated=batch.repeated,
        )


class ReportView(View):
    """What a sync did. `skipped` counts the events that templates ignore."""

    sync_id: str
    batches: list[TakenBatchView]
    skipped: int

    @classmethod
    def of(cls, report: SyncReport) -> Self:
        return cls(
            sync_id=report.sync.id,
            batches=[TakenBatchView.of(batch) for batch in report.accepted],
            skipped=report.sync.ignored,
        )


class SyncView(View):
    """One run. Its window ends at `until`; `skipped` counts the events that templates ignore."""

    sync_id: str
    program_id: str
    trigger: Trigger
    by: str
    state: SyncState
    started_at: datetime
    ended_at: datetime | None
    until: datetime
    events: int
    skipped: int
    errors: list[JsonValue]

    @classmethod
    def of(cls, sync: Sync, **more: object) -> Self:
        return cls.model_validate(
            {
                "sync_id": sync.id,
                "program_id": sync.program_id,
                "trigger": sync.trigger,
                "by": sync.by,
                "state": sync.state,
                "started_at": sync.started_at,
                "ended_at": sync.ended_at,
                "until": sync.until,
                "events": sync.events,
                "skipped": sync.ignored,
                "errors": list(sync.errors),
                **more,
            }
        )


class SummedSyncView(SyncView):
    """One run, with the sums of its batches."""

    batches: int
    rows: int = Field(description="those that LearningBuilder took")

    @classmethod
    def of_sums(cls, sync: Sync, sums: Mapping[str, Sum]) -> Self:
        of = sums.get(sync.id, Sum())
        return cls.of(sync, batches=of.batches, rows=of.rows)


class BatchView(TakenBatchView):
    """A batch, whatever became of it; its window is from the first to the last event."""

    state: BatchState
    first_event_at: datetime
    last_event_at: datetime
    status: int | None
    answer: str | None
    sent_at: datetime
    answered_at: datetime | None

    @classmethod
    def of(cls, batch: Batch) -> Self:
        return cls(
            **TakenBatchView.of(batch).model_dump(),
            state=batch.state,
            first_event_at=batch.first_event_at,
            last_event_at=batch.last_event_at,
            status=batch.status,
            answer=batch.answer,
            sent_at=batch.sent_at,
            answered_at=batch.answered_at,
        )


class WholeSyncView(SyncView):
    """One run with its batches, in the order in which they were posted."""

    batches: list[BatchView]


class BegunView(View):
    """A run that has just begun."""

    sync_id: str


class SyncPage(View):
    """Some runs, and the cursor of what follows."""

    items: list[SummedSyncView]
    next: str | None


async def synced_program(
    program_id: Annotated[str, Query(alias="programId", description="the program to sync")],
    caller: CallerOf,
    house: HouseOf,
) -> str:
    """Return the id of a program that exists and that the caller may write to."""
    return await writable_program(program_id, caller, house)


Wait = Annotated[
    bool,
    Query(
        description="false answers 202 as soon as the run has begun; its Location tells the rest"
    ),
]
SyncedProgram = Annotated[str, Depends(synced_program)]


@router.post(
    "/processEvents",
    response_model=ReportView,
    responses={202: {"description": "The run has begun", "model": BegunView}},
)
async def process_events(
    program_id: SyncedProgram, caller: CallerOf, house: HouseOf, *, wait: Wait = True
) -> ReportView | Response:
    """Send what is new to the program's LearningBuilder, and tell what came of it."""
    order = Order(program_id, Trigger.CALL, caller.who)
    if not wait:
        begun = await house.synchronizer.start(order)
        place = f"/programs/{program_id}/syncs/{begun.id}"
        return JSONResponse({"syncId": begun.id}, 202, {"Location": place})
    report = await house.synchronizer.run(order)
    return _failed(report) if report.failures else ReportView.of(report)


@router.get("/programs/{program_id}/syncs")
async def list_syncs(
    program_id: ReadableProgram, house: HouseOf, limit: Limit = 50, cursor: Cursor = None
) -> SyncPage:
    """List the runs of a program, newest first."""
    page = await house.syncs.list(program_id, cursor=cursor, limit=limit)
    sums = await house.sync_batches.sums([one.id for one in page.items])
    return SyncPage(items=[SummedSyncView.of_sums(one, sums) for one in page.items], next=page.next)


@router.get("/programs/{program_id}/syncs/{sync_id}")
async def get_sync(program_id: ReadableProgram, sync_id: str, house: HouseOf) -> WholeSyncView:
    """Show one run, with its batches and what LearningBuilder answered."""
    sync = await house.syncs.find(program_id, sync_id) if SYNC_ID.fullmatch(sync_id) else None
    if sync is None:
        raise NotFound(f"there is no sync {sync_id}")
    batches = await house.sync_batches.of_sync(sync_id)
    return WholeSyncView.of(sync, batches=[BatchView.of(one) for one in batches])


def _failed(report: SyncReport) -> Response:
    order = list(STATUSES)
    first = min(report.failures, key=lambda failure: order.index(failure.kind))
    others = len(report.failures) - 1
    status = STATUSES[first.kind]
    return problem(
        status,
        sentence(first) + (f" (and {others} more)" if others else ""),
        headers=COME_BACK_LATER if status == 503 else None,
        members={
            **ReportView.of(report).model_dump(mode="json", by_alias=True),
            "failures": [_failure(one.as_json()) for one in report.failures],
        },
    )


def _failure(facts: dict[str, JsonValue]) -> dict[str, JsonValue]:
    process = facts.get("importProcessId")
    return facts | ({"importProcessId": _process(process)} if isinstance(process, str) else {})


def _process(written: str) -> ProcessId:
    return int(written) if re.fullmatch(r"0|[1-9][0-9]{0,14}", written) else written
