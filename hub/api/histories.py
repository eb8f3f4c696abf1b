"""How the delivery of one integration went, when its status changed, and whom that was told."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from delivery.facts.status import Status
from delivery.history import Change, Hour, Pace, Point, Series, Span
from delivery.mails.alerts import Mail
from hub.api.access import ReadableIntegration
from hub.api.attempts import PLACE
from hub.api.house import House, HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.strict import StrictRoute, View
from hub.errors import BadCursor
from hub.registry.parties.integration_records import IntegrationRecord
from hub.registry.trust.audit import AuditEntry

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Deliveries"], route_class=StrictRoute
)

SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)
Wanted = Annotated[Span, Query(description="how far back")]


class PointView(View):
    """What happened in one step of time."""

    at: datetime
    delivered: int = Field(description="statements")
    refused: int = Field(description="statements set aside, and requests refused altogether")
    unavailable: int = Field(description="requests that found the server unavailable")
    request_milliseconds: int | None = Field(description="of an accepted request, on the average")
    half_within_milliseconds: int | None = Field(
        description="from accepted to delivered: half of the statements took no longer, about"
    )
    most_within_milliseconds: int | None = Field(description="and 95 of a hundred no longer")
    queued: int = Field(description="the most that waited; looked at once a minute")
    parked: int

    @classmethod
    def of(cls, point: Point) -> Self:
        return cls(
            at=point.at,
            delivered=point.delivered,
            refused=point.refused,
            unavailable=point.unavailable,
            request_milliseconds=_milliseconds(point.request_time),
            half_within_milliseconds=_milliseconds(point.half_within),
            most_within_milliseconds=_milliseconds(point.most_within),
            queued=point.queued,
            parked=point.parked,
        )


class HistoryView(View):
    """How delivery went: one point for each step, oldest first, without gaps."""

    span: Span
    step_seconds: int
    points: list[PointView]

    @classmethod
    def of(cls, series: Series) -> Self:
        return cls(
            span=series.span,
            step_seconds=series.step // SECOND,
            points=[PointView.of(point) for point in series.points],
        )


class HourView(View):
    """One hour: statements delivered, and statements and requests that failed."""

    delivered: int
    failed: int

    @classmethod
    def of(cls, hour: Hour) -> Self:
        return cls(delivered=hour.delivered, failed=hour.failed)


class TurnView(View):
    """Something that happened to an integration: its status changed, or somebody did something."""

    kind: Literal["status", "deed"]
    at: datetime
    status: Status | None = Field(None, description="of a change of status: what it became")
    before: Status | None = Field(None, description="and what it was, null at the beginning")
    reason: str | None = Field(None, description="the server's words, if it said any")
    until: datetime | None = Field(None, description="null while it stands")
    by: str | None = Field(None, description="of a deed: the user and the key")
    action: str | None = Field(None, description="`changed`, `released`, ...")
    changes: dict[str, JsonValue] | None = Field(None, description="as in the audit")

    @classmethod
    def of(cls, turn: Change | AuditEntry) -> Self:
        match turn:
            case Change():
                return cls(
                    kind="status",
                    at=turn.at,
                    status=turn.status,
                    before=turn.before,
                    reason=turn.reason or None,
                    until=turn.until,
                )
            case AuditEntry():
                return cls(
                    kind="deed",
                    at=turn.at,
                    by=turn.by,
                    action=turn.action,
                    changes=dict(turn.changes),
                )


class TurnPage(View):
    """Some of a time line, newest first, and the cursor of what follows."""

    items: list[TurnView]
    next: str | None


class ForecastView(View):
    """How long what waits will take, once the server answers."""

    queued: int
    seconds: int | None = Field(description="null where too little is known")
    statements_per_minute: float | None = Field(description="measured while more waited")
    basis: Literal["pace", "requests"] | None = Field(
        description="its own pace of late, or how long its requests took"
    )


class AlertView(View):
    """A mail to the technical contacts that went out, or that was refused for good."""

    at: datetime
    recipients: tuple[str, ...]
    subject: str
    about: str = Field(description="`down`, `refused` or `parked`")
    error: str | None = Field(description="why the mail server refused it, if it did")

    @classmethod
    def of(cls, mail: Mail) -> Self:
        return cls(
            at=mail.at,
            recipients=mail.to,
            subject=mail.subject,
            about=mail.kind,
            error=mail.error,
        )


class AlertList(View):
    """The mails that went out, newest first, and when the next one may."""

    items: list[AlertView]
    is_pending: bool = Field(description="one is to be sent now")
    next_mail_at: datetime | None = Field(description="before this none goes; null: at any time")


@router.get("/history")
async def get_history(
    record: ReadableIntegration, house: HouseOf, span: Wanted = Span.DAY
) -> HistoryView:
    """Tell how delivery went: by the minute, by the hour, or by the quarter of a day."""
    return HistoryView.of(await house.history.series(record.id, span))


@router.get("/timeline", response_model_exclude_none=True)
async def list_turns(
    record: ReadableIntegration, house: HouseOf, limit: Limit = 50, cursor: Cursor = None
) -> TurnPage:
    """List changes of status, and who did what to the integration, newest first."""
    place, behind = _places(cursor)
    changes = await house.history.changes(record.id, limit=limit + 1, before=place)
    deeds = await house.audit.list(subject=record.id, limit=limit + 1, cursor=behind)
    turns = _merged(changes, deeds.items)
    for turn in turns[:limit]:
        match turn:
            case Change():
                place = turn.place
            case AuditEntry():
                behind = house.audit.cursor_behind(turn)
    return TurnPage(
        items=[TurnView.of(turn) for turn in turns[:limit]],
        next=_cursor(place, behind) if len(turns) > limit else None,
    )


@router.get("/forecast")
async def get_forecast(record: ReadableIntegration, house: HouseOf) -> ForecastView:
    """Guess how long what waits will take, once the server answers."""
    queued = (await house.control.health([record.id]))[record.id].queued
    pace = await house.history.pace(record.id)
    batch_size, concurrency = await _size(house, record)
    takes = pace.catch_up(queued, batch_size=batch_size, concurrency=concurrency)
    return ForecastView(
        queued=queued,
        seconds=None if takes is None else -(-takes // SECOND),
        statements_per_minute=round(pace.measured * 60, 1) if pace.measured else None,
        basis=_basis(pace),
    )


@router.get("/mails")
async def list_alerts(record: ReadableIntegration, house: HouseOf) -> AlertList:
    """List the mails that told the technical contacts, newest first."""
    mails = await house.control.mails(record.id)
    budget = await house.control.mail_budget(record.id)
    return AlertList(
        items=[AlertView.of(mail) for mail in mails],
        is_pending=budget.is_pending,
        next_mail_at=budget.next_at,
    )


async def _size(house: House, record: IntegrationRecord) -> tuple[int, int]:
    provider = await house.providers.find(record.provider)
    usual = (provider.batch_size, provider.concurrency) if provider else (1, 1)
    return record.batch_size or usual[0], record.concurrency or usual[1]


def _basis(pace: Pace) -> Literal["pace", "requests"] | None:
    if pace.measured:
        return "pace"
    return None if pace.request_time is None else "requests"


def _merged(
    changes: Sequence[Change], deeds: Sequence[AuditEntry]
) -> Sequence[Change | AuditEntry]:
    # Where both are of one moment, the deed came first: what it changed stands above it.
    turns: list[Change | AuditEntry] = [*changes, *deeds]
    return sorted(turns, key=lambda turn: turn.at, reverse=True)


def _milliseconds(took: timedelta | None) -> int | None:
    return None if took is None else took // MILLISECOND


def _cursor(place: str | None, behind: str | None) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, behind]).encode()).decode()


def _places(cursor: str | None) -> tuple[str | None, str | None]:
    if cursor is None:
        return None, None
    try:
        written = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor("this cursor is not one of ours") from error
    match written:
        case [str() | None as place, str() | None as behind] if place is None or PLACE.fullmatch(
            place
        ):
            return place, behind
        case _:
            raise BadCursor("this cursor belongs to another list")
