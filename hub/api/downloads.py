"""What waits, and what is parked, as files of any length: JSON Lines, one statement on each.

They are read and written some statements at a time, so that memory does not grow with the queue.
Whoever takes statements out is noted in the audit.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from delivery.facts.integration import IntegrationId
from delivery.stores.parked import Parked
from delivery.stores.waiting import Waits
from hub.api.access import CallerOf, ReadableIntegration
from hub.api.auditing import note_steering
from hub.api.house import House, HouseOf
from hub.api.strict import StrictRoute

router = APIRouter(
    prefix="/api/integrations/{integration_id}", tags=["Deliveries"], route_class=StrictRoute
)

JSON_LINES = "application/jsonl"
FIRST, MOST = 16, 500
ROOM = 1024 * 1024
"""About so many bytes are held at once, unless a single statement is larger."""
LINES: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}}
}


@router.get("/queue/download", response_class=StreamingResponse, responses=LINES)
async def download_queue(
    record: ReadableIntegration, caller: CallerOf, house: HouseOf
) -> StreamingResponse:
    """Write down what waits, in the order in which it is sent; each line as in the queue."""
    count = (await house.control.health([record.id]))[record.id].queued
    await note_steering(house, caller, record, "downloaded", queued=count)
    return _file(f"{record.id}-queue.jsonl", _queued(house, record.id, count))


@router.get("/parked/download", response_class=StreamingResponse, responses=LINES)
async def download_parked(
    record: ReadableIntegration, caller: CallerOf, house: HouseOf
) -> StreamingResponse:
    """Write down what is parked, oldest first; each line as in the list of parked statements."""
    count = (await house.control.health([record.id]))[record.id].parked
    await note_steering(house, caller, record, "downloaded", parked=count)
    return _file(f"{record.id}-parked.jsonl", _parked(house, record.id, count))


def _file(name: str, lines: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type=JSON_LINES, headers=headers)


async def _queued(house: House, integration_id: IntegrationId, count: int) -> AsyncIterator[bytes]:
    # So many and no more: a queue that grows as quickly as it is read would never end.
    after, limit = "", FIRST
    while count > 0:
        found = await house.control.waiting(integration_id, limit=min(limit, count), after=after)
        if not found:
            return
        yield b"".join(_line(_facts_of_waiting(one), one.body) for one in found)
        after, count, limit = found[-1].place, count - len(found), _next([w.body for w in found])


async def _parked(house: House, integration_id: IntegrationId, count: int) -> AsyncIterator[bytes]:
    after, limit = None, FIRST
    while count > 0:
        found = await house.control.oldest_parked(
            integration_id, limit=min(limit, count), after=after
        )
        if not found:
            return
        yield b"".join(_line(_facts_of_parked(one), one.body) for _, one in found)
        after, count, limit = found[-1][0], count - len(found), _next([p.body for _, p in found])


def _next(bodies: Sequence[bytes]) -> int:
    """Say how many to read next, so that they have room."""
    return max(1, min(MOST, ROOM * len(bodies) // max(sum(map(len, bodies)), 1)))


def _line(facts: dict[str, object], body: bytes) -> bytes:
    # In JSON, a line break is white space: within a string it is written as \n.
    statement = body.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.json.encode(facts)[:-1] + b',"statement":' + statement + b"}\n"


def _facts_of_waiting(one: Waits) -> dict[str, object]:
    return {
        "statementId": one.id,
        "lane": one.lane,
        "acceptedAt": one.accepted_at,
        "queuedAt": one.since,
        "replayed": one.replayed,
    }


def _facts_of_parked(one: Parked) -> dict[str, object]:
    return {
        "statementId": one.statement_id,
        "at": one.at,
        "status": one.status,
        "answer": one.answer,
        "reason": one.reason,
        "version": one.version,
    }
