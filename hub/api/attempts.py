"""Attempts: the requests to an integration's server, what was sent and what was answered."""

import asyncio
import json
import re
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import JsonValue

from delivery.facts.statement import StatementId
from delivery.stores.journal import Attempt
from hub.api.access import ReadableIntegration
from hub.api.errors import NotFound
from hub.api.house import House, HouseOf
from hub.api.pages import Limit
from hub.api.strict import Moment, StrictRoute, View
from hub.errors import BadCursor
from hub.registry.parties.integration_records import IntegrationRecord

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Deliveries"], route_class=StrictRoute
)

PLACE = re.compile(r"\d{1,19}-\d{1,19}", re.ASCII)
SHOWN = 10
"""So many of an attempt's statements are looked up."""
Cursor = Annotated[str | None, Query(max_length=50, description="`next` of the page before")]
HttpStatus = Annotated[int | None, Query(ge=100, le=599, description="the HTTP status answered")]
Since = Annotated[Moment | None, Query(description="not before")]
Until = Annotated[Moment | None, Query(description="before")]


class AttemptView(View):
    """One request to an LRS, or to its token endpoint, and its answer."""

    id: str
    at: datetime
    statement_ids: tuple[str, ...]
    outcome: str
    status: int | None
    milliseconds: int
    answer: str
    reason: str | None
    bytes: int

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        return cls(
            id=attempt.place,
            at=attempt.at,
            statement_ids=attempt.statement_ids,
            outcome=attempt.outcome,
            status=attempt.status,
            milliseconds=attempt.took // timedelta(milliseconds=1),
            answer=attempt.answer,
            reason=attempt.reason,
            bytes=attempt.size,
        )


class AttemptPage(View):
    """Some attempts, and the cursor of what follows."""

    items: list[AttemptView]
    next: str | None


class RequestView(View):
    """What was asked, secrets masked; `traceparent`, which differs each time, is not kept."""

    method: str
    url: str
    headers: dict[str, str]
    bytes: int

    @classmethod
    def of(cls, attempt: Attempt, house: House) -> Self | None:
        if attempt.url is None:
            return None
        headers = {
            "Authorization": "Bearer ***",
            "X-Experience-API-Version": attempt.xapi_version,
            "Content-Type": "application/json",
            "User-Agent": f"learning-hub/{house.version}",
        }
        return cls(method="POST", url=attempt.url, headers=headers, bytes=attempt.size)


class AnswerView(View):
    """What came back. The headers of a success are not kept."""

    status: int
    headers: dict[str, str]
    body: str

    @classmethod
    def of(cls, attempt: Attempt) -> Self | None:
        if attempt.status is None:
            return None
        return cls(status=attempt.status, headers=dict(attempt.headers), body=attempt.answer)


class SentView(View):
    """A statement that was sent: how it stands now, and what it says if it is still kept."""

    id: str
    state: str | None
    statement: dict[str, JsonValue] | None


class AttemptDetailView(AttemptView):
    """One attempt in full. `request` is null where no access token was to be had.

    `statements` are the first of those that `statementIds` names.
    """

    request: RequestView | None
    response: AnswerView | None
    statements: list[SentView]


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
        before=place(cursor),
    )
    return AttemptPage(items=[AttemptView.of(one) for one in attempts], next=following)


@router.get("/attempts/{attempt_id}")
async def get_attempt(
    record: ReadableIntegration, attempt_id: str, house: HouseOf
) -> AttemptDetailView:
    """Show what was sent, and what was answered. The newest thousand attempts are kept."""
    is_place = PLACE.fullmatch(attempt_id)
    attempt = await house.control.attempt(record.id, attempt_id) if is_place else None
    if attempt is None:
        raise NotFound(f"there is no attempt {attempt_id}")
    sent = [_sent(house, record, one) for one in attempt.statement_ids[:SHOWN]]
    return AttemptDetailView(
        **AttemptView.of(attempt).model_dump(),
        request=RequestView.of(attempt, house),
        response=AnswerView.of(attempt),
        statements=await asyncio.gather(*sent),
    )


def place(cursor: str | None) -> str | None:
    """Read a cursor that is the place of an entry. Raises BadCursor."""
    if cursor is not None and not PLACE.fullmatch(cursor):
        raise BadCursor("this cursor is not one of ours")
    return cursor


async def _sent(house: House, record: IntegrationRecord, statement_id: StatementId) -> SentView:
    found = await house.control.whereabouts(record.id, statement_id)
    return SentView(
        id=statement_id,
        state=found.receipt.state if found else None,
        statement=json.loads(found.body) if found and found.body else None,
    )
