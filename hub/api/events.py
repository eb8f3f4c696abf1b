"""Events of the Learning Hub: published one by one or in arrays, read by id, publisher, subscriber.

Publishing is a plain Starlette route, because it is hot; `openapi` describes it. Names are
PascalCase.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated
from urllib.parse import quote
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import Request
from starlette.routing import Route

from hub.api.access import CallerOf, ReadableProgram, authenticate
from hub.api.errors import AlreadyThere, Forbidden, NotFound
from hub.api.house import House, HouseOf, house_of
from hub.api.moments import GivenMoment
from hub.api.pages import Cursor
from hub.api.strict import Line, StrictRoute, require_json
from hub.errors import BadCursor, EventExists
from hub.events.event import Event, EventType, NewEvent
from hub.events.fields import PROGRAM_ID, UNPRINTABLE, moment
from hub.events.reading import read
from hub.events.writing import write, write_page, written
from hub.registry.parties.caller import Caller
from hub.xapi.flaw import Flaw, point

LARGE = 64 * 1024
"""Bodies from this size on are read on a thread, so that small ones need not wait for them."""
JSON = "application/json"

router = APIRouter(tags=["Events"], route_class=StrictRoute)

Limit = Annotated[int, Query(ge=1, le=1000, description="how many at most")]
Since = Annotated[
    GivenMoment | None, Query(description="only events whose CreatedUtc is later than this time")
]
Until = Annotated[
    GivenMoment | None, Query(description="only events whose CreatedUtc is this time or earlier")
]
Type = Annotated[EventType | None, Query(alias="eventType", description="only of this type")]
Category = Annotated[Line | None, Query(description="only of this PublisherEventCategory.value")]


class Sorting(StrEnum):
    """Which events come first."""

    OLDEST = "oldest"
    NEWEST = "newest"


Order = Annotated[
    Sorting,
    Query(description="newest is for looking back: only from the oldest on is nothing skipped"),
]
Publisher = Annotated[
    str | None, Query(alias="publisherProgramId", max_length=25, description="only of this one")
]


async def post_events(request: Request) -> Response:
    """Publish an event, or an array of them: all or none."""
    caller = await authenticate(request)
    house = house_of(request)
    require_json(request)
    body = await request.body()
    reading = partial(read, body, max_batch=house.limits.max_batch, new_id=_new_id)
    events, several = reading() if len(body) < LARGE else await asyncio.to_thread(reading)
    _require_rights(caller, events, several=several)
    try:
        await house.events.add(events)
    except EventExists as error:
        raise AlreadyThere(_taken(error, several=several)) from error
    if not several:
        return Response(status_code=201, headers={"Location": _place(events[0].id)})
    made = [{"EventId": event.id, "Location": _place(event.id)} for event in events]
    return Response(orjson.dumps(made), 201, media_type=JSON)


ROUTES = tuple(Route(path, post_events, methods=["POST"]) for path in ("/api/events", "/events"))


@dataclass(frozen=True, slots=True)
class Window:
    """Which events are asked for, how many, and in which order."""

    after: datetime | None
    before: datetime | None
    until: datetime | None
    event_type: EventType | None
    category: str | None
    newest_first: bool
    limit: int


async def window(
    limit: Limit = 100,
    cursor: Cursor = None,
    since: Since = None,
    until: Until = None,
    event_type: Type = None,
    category: Category = None,
    order: Order = Sorting.OLDEST,
) -> Window:
    """Read the filters that both lists of events know."""
    moment, newest_first = _read_cursor(cursor), order is Sorting.NEWEST
    passed = [one for one in (since, None if newest_first else moment) if one]
    return Window(
        after=max(passed, default=None),
        before=moment if newest_first else None,
        until=until,
        event_type=event_type,
        category=category,
        newest_first=newest_first,
        limit=limit,
    )


WindowOf = Annotated[Window, Depends(window)]


@router.get("/programs/{program_id}/events")
async def list_subscribed_events(
    program_id: ReadableProgram, house: HouseOf, asked: WindowOf, publisher: Publisher = None
) -> Response:
    """List what the program is subscribed to, from all its publishers, as it was committed.

    Follow `next` to the end; then ask again with `since` = the last CreatedUtc. No event is skipped
    or seen twice, however many are published meanwhile.
    """
    publishers = await house.subscriptions.publishers_of(program_id)
    if publisher is not None and publisher not in publishers:
        raise NotFound(f"{program_id} is not subscribed to {publisher}")
    return await _page(house, publishers if publisher is None else {publisher}, asked)


@router.get("/events/{event_id:path}")
async def get_event(event_id: str, caller: CallerOf, house: HouseOf, asked: WindowOf) -> Response:
    """Show an event; or, for the id of a program, list what it has published."""
    # Ids of programs have no hyphen, and those of events begin with a program's and one.
    if "-" not in event_id:
        return await _published(event_id, caller, house, asked)
    event = await _visible(event_id, caller, house)
    return Response(write(event), media_type=JSON)


@router.delete("/events/{event_id:path}", status_code=204, response_class=Response)
async def delete_event(event_id: str, caller: CallerOf, house: HouseOf) -> Response:
    """Delete an event; who has it already keeps it."""
    event = await _visible(event_id, caller, house)
    if not caller.may_write(event.content.publisher_program_id):
        raise Forbidden(f"this key may not write to {event.content.publisher_program_id}")
    await house.events.delete(event_id, by=caller.who)
    return Response(status_code=204)


async def _visible(event_id: str, caller: Caller, house: House) -> Event:
    # PostgreSQL cannot even be asked for an id with a NUL.
    event = None if UNPRINTABLE.search(event_id) else await house.events.find(event_id)
    if event is not None:
        publisher = event.content.publisher_program_id
        if await house.subscriptions.may_see(caller, publisher):
            return event
    raise NotFound(f"there is no event {event_id}")


async def _published(program_id: str, caller: Caller, house: House, asked: Window) -> Response:
    known = PROGRAM_ID.fullmatch(program_id) and await house.programs.find(program_id)
    if not known or not await house.subscriptions.may_see(caller, program_id):
        raise NotFound(f"there is no program {program_id}")
    return await _page(house, {program_id}, asked)


async def _page(house: House, publishers: frozenset[str] | set[str], asked: Window) -> Response:
    events = await house.events.read(
        publishers,
        after=asked.after,
        before=asked.before,
        until=asked.until,
        event_type=asked.event_type,
        category=asked.category,
        newest_first=asked.newest_first,
        limit=asked.limit + 1,
    )
    shown = events[: asked.limit]
    following = written(shown[-1].created_at) if len(events) > len(shown) else None
    return Response(write_page(shown, following), media_type=JSON)


def _require_rights(caller: Caller, events: Sequence[NewEvent], *, several: bool) -> None:
    for number, event in enumerate(events):
        if not caller.may_write(event.publisher_program_id):
            where = f"event {number}: " if several else ""
            # The same words for a program that is not there: that is nobody's business.
            raise Forbidden(f"{where}this key may not write to {event.publisher_program_id}")


def _taken(error: EventExists, *, several: bool) -> list[Flaw]:
    places = [point(place) if several else "" for place in error.places]
    named = zip(places, error.event_ids, strict=True)
    return [Flaw(f"{place}/EventId", f"{event_id} is taken") for place, event_id in named]


def _read_cursor(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = moment(text)
    if found is None:
        raise BadCursor("this cursor is not one of ours")
    return found


def _new_id(program_id: str) -> str:
    return f"{program_id}-{uuid4()}"


def _place(event_id: str) -> str:
    # Slashes, too: on its way a client would resolve an id with /../ in it to another address.
    return f"/events/{quote(event_id, safe='')}"
