"""What a subscription is about to do: rows of recent events, and how many events wait for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from hub.api.access import CallerOf, ReadableProgram
from hub.api.house import House, HouseOf
from hub.api.moments import GivenMoment
from hub.api.strict import PascalForm, PascalView, StrictRoute
from hub.api.subscriptions import TEMPLATE, Template, find_subscription
from hub.api.template_checks import examples, read_map
from hub.errors import UnknownProgram
from hub.events.event import Event
from hub.events.writing import written
from hub.registry.clearing_house.events import MOST_COUNTED
from hub.registry.parties.caller import Caller
from hub.templates.fault import TemplateFault
from hub.templates.renderer import Rendered
from hub.templates.template_map import ImportEntry, TemplateMap, parse

router = APIRouter(
    prefix="/programs/{program_id}/eventSubs/{publisher_id}",
    tags=["Subscriptions"],
    route_class=StrictRoute,
)

COUNTED = f"counted up to {MOST_COUNTED:,}"


class OutlookForm(PascalForm):
    """Templates to be tried; without any, those of the subscription."""

    lb_api_payload_template: Template = None
    limit: Annotated[int, Field(ge=1, le=10, description="how many events for each entry")] = 3


class FaultView(PascalView):
    """What is wrong with a template, and where in it, counted from 1; and what it made, if that."""

    detail: str
    line: int | None
    column: int | None
    made: str | None


class TriedEventView(PascalView):
    """What an entry makes of one event: a row, or a fault."""

    event_id: str
    created_utc: datetime
    category: str | None
    row: dict[str, Any] | None
    fault: FaultView | None


class TriedEntryView(PascalView):
    """An entry, tried on the publisher's newest events that it takes, the newest first.

    Where there is none, the fault is that of a made-up event.
    """

    key: str
    import_process_id: str
    fault: FaultView | None
    events: list[TriedEventView]


class OutlookView(PascalView):
    """Every entry that imports, in the order of the map."""

    entries: list[TriedEntryView]


class WaitingView(PascalView):
    """How many events there are that the next sync would look at."""

    waiting: int = Field(description=f"events of the publisher after that time, {COUNTED}")
    ignored: int = Field(description="so many of them the templates ignore")


@router.post("/preview", response_model=OutlookView)
async def preview_subscription(
    program_id: ReadableProgram,
    publisher_id: str,
    form: OutlookForm,
    caller: CallerOf,
    house: HouseOf,
) -> Response:
    """Render the templates on the publisher's newest events, and keep nothing.

    A SYSTEM key may try what no subscription has yet.
    """
    given = form.lb_api_payload_template
    templates = await _templates(house, caller, program_id, publisher_id, given=given)
    entries = []
    for entry in templates.imports():
        found = await examples(templates, entry, house.events, publisher_id, limit=form.limit)
        entries.append(await _tried(house, entry, found))
    return Response(orjson.dumps({"Entries": entries}), media_type="application/json")


@router.get("/waiting")
async def count_waiting(
    program_id: ReadableProgram,
    publisher_id: str,
    house: HouseOf,
    since: Annotated[
        GivenMoment | None, Query(description="instead of the subscription's LastSyncUtc")
    ] = None,
) -> WaitingView:
    """Count the events that would be looked at by a sync from a time on."""
    found = await find_subscription(house, program_id, publisher_id)
    counts = await house.events.count(publisher_id, after=since or found.last_sync_at)
    templates = parse(found.template)
    ignored = sum(counts[one] for one in counts if templates.entry_for(one) is None)
    return WaitingView(waiting=sum(counts.values()), ignored=ignored)


async def _templates(
    house: House, caller: Caller, program_id: str, publisher_id: str, *, given: object
) -> TemplateMap:
    if given is None or not caller.system:
        found = await find_subscription(house, program_id, publisher_id)
        return parse(found.template) if given is None else read_map(given, TEMPLATE)
    if await house.programs.find(publisher_id) is None:
        raise UnknownProgram(f"there is no program {publisher_id}")
    return read_map(given, TEMPLATE)


async def _tried(house: House, entry: ImportEntry, events: Sequence[Event]) -> object:
    rows = await house.renderer.render(entry.template, events)
    fault = None if events else await house.renderer.check(entry.template)
    return {
        "Key": entry.key,
        "ImportProcessId": entry.import_process_id,
        "Fault": _fault(fault),
        "Events": [_shown(event, row) for event, row in zip(events, rows, strict=True)],
    }


def _shown(event: Event, row: Rendered) -> object:
    category = event.content.category
    return {
        "EventId": event.content.id,
        "CreatedUtc": written(event.created_at),
        "Category": category.value if category else None,
        "Row": orjson.Fragment(row) if isinstance(row, str) else None,
        "Fault": None if isinstance(row, str) else _fault(row),
    }


def _fault(fault: TemplateFault | None) -> object:
    if fault is None:
        return None
    return {
        "Detail": fault.detail,
        "Line": fault.line,
        "Column": fault.column,
        "Made": fault.made,
    }
