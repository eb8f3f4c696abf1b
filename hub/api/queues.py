"""What waits: shown in the order in which it is sent, and thrown away if somebody says so."""

import base64
import binascii
import json
from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import Field

from delivery.stores.waiting import Waits, is_place
from hub.api.access import CallerOf, ReadableIntegration, WritableIntegration
from hub.api.auditing import note_steering
from hub.api.house import HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.strict import StrictRoute, View
from hub.errors import BadCursor

router = APIRouter(
    prefix="/api/integrations/{integration_id}/queue", tags=["Deliveries"], route_class=StrictRoute
)


class QueuedView(View):
    """A statement that waits."""

    statement_id: str
    lane: str = Field(description="`front`: released; `queue`; or `back`: replayed")
    accepted_at: datetime
    queued_at: datetime = Field(description="when it was accepted, or lined up once more")
    replayed: bool
    statement: dict[str, object]

    @classmethod
    def of(cls, waits: Waits) -> Self:
        return cls(
            statement_id=waits.id,
            lane=waits.lane,
            accepted_at=waits.accepted_at,
            queued_at=waits.since,
            replayed=waits.replayed,
            statement=json.loads(waits.body),
        )


class QueuePage(View):
    """Some of what waits, and the cursor of what follows."""

    items: list[QueuedView]
    next: str | None


class Purged(View):
    """How many statements were thrown away."""

    purged: int


@router.get("")
async def list_queue(
    record: ReadableIntegration, house: HouseOf, limit: Limit = 50, cursor: Cursor = None
) -> QueuePage:
    """List what waits, in the order in which it is sent."""
    after = _place(cursor)
    found = await house.control.waiting(record.id, limit=limit + 1, after=after)
    shown = found[:limit]
    return QueuePage(
        items=[QueuedView.of(one) for one in shown],
        next=_cursor(shown[-1].place) if len(found) > limit else None,
    )


@router.post("/purge", status_code=202)
async def purge_queue(record: WritableIntegration, caller: CallerOf, house: HouseOf) -> Purged:
    """Throw away what waits; parked statements stay. It can be replayed as `discarded`."""
    waiting = (await house.control.health([record.id]))[record.id].queued
    await note_steering(house, caller, record, "purged", statements=waiting)
    return Purged(purged=await house.control.purge(record.id))


def _cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def _place(cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        place = base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, ValueError):
        place = ""
    if not is_place(place):
        raise BadCursor("this cursor is not one of ours")
    return place
