"""Events: what a program has published, what it is subscribed to, and one of them."""

from collections.abc import Sequence

from starlette.responses import Response

from hub.portal.fields import utc
from hub.portal.forms import form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.learning.wording import entry_for
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME, query

ROOT = f"{HOME}/learning/events"
FILTERS = ("publisher", "type", "category", "since", "until")
TYPES = tuple(
    f"{what}_{happened}"
    for what in ("AI", "LPI")
    for happened in ("STARTED", "COMP_SUCCESS", "COMP_UNSUCCESS", "REOPENED")
)
COMPLETED = "AI_COMP_SUCCESS"


async def table(visit: Visit) -> Response:
    """List events, the newest first."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    asked = visit.request.query_params
    side = "subscribed" if asked.get("of") == "subscribed" else "published"
    wanted = {name: asked.get(name, "").strip() for name in FILTERS}
    subscriptions = await visit.api.get_all(f"/api/programs/{visit.program}/eventSubs")
    trouble, status = "", 200
    page: Facts = {"items": [], "next": None}
    try:
        page = await visit.listed(
            _list(visit, side),
            order="newest",
            publisherProgramId=wanted["publisher"] if side == "subscribed" else "",
            eventType=wanted["type"],
            category=wanted["category"],
            since=utc(wanted["since"]),
            until=utc(wanted["until"]),
        )
    except Refusal as refusal:
        trouble, status = str(refusal), refusal.status
    return visit.page(
        "learning/events.html",
        status=status,
        side=side,
        wanted=wanted,
        is_filtered=any(wanted.values()),
        query=query({"of": side, **wanted}),
        found=page["items"],
        next=page["next"],
        publishers=[one["PublisherProgramId"] for one in subscriptions],
        types=TYPES,
        trouble=trouble,
    )


async def one(visit: Visit) -> Response:
    """Show an event, and what becomes of it."""
    event = await visit.api.get(_path(visit))
    publisher = event["PublisherProgramId"]
    is_own = publisher == visit.program
    subscribers: Sequence[Facts] = ()
    if visit.api.caller.may_read(publisher):
        subscribers = await visit.api.get_all(f"/api/programs/{publisher}/subscribers")
    return visit.page(
        "learning/event.html",
        event=event,
        is_own=is_own,
        subscribers=subscribers,
        may_delete=visit.api.caller.may_write(publisher),
        import_=None if is_own else await _import(visit, event),
        completion=await _completion(visit, event) if is_own else None,
    )


async def ask_to_delete(visit: Visit) -> Response:
    """Say what deleting an event means."""
    return visit.page("learning/event_delete.html", event=await visit.api.get(_path(visit)))


async def delete(visit: Visit) -> Response:
    """Delete an event."""
    await form_of(visit)
    await visit.api.delete(_path(visit))
    return visit.go(ROOT, "The event is deleted. Who has it already keeps it.")


def _path(visit: Visit) -> str:
    return f"/api/events/{visit.request.query_params.get('id', '-')}"


def _list(visit: Visit, side: str) -> str:
    if side == "subscribed":
        return f"/api/programs/{visit.program}/events"
    return f"/api/events/{visit.program}"


async def _import(visit: Visit, event: Facts) -> Facts | None:
    """Say what the program's subscription makes of an event; None without one."""
    if not visit.program:
        return None
    publisher = event["PublisherProgramId"]
    try:
        found = await visit.api.get(f"/api/programs/{visit.program}/eventSubs/{publisher}")
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        return None
    category = (event["PublisherEventCategory"] or {}).get("value")
    cursor = found["LastSyncUtc"]
    is_past = cursor is not None and event["CreatedUtc"] <= cursor
    return {
        "entry": entry_for(found["LbApiPayloadTemplate"], category),
        "is_past": is_past,
        "enabled": found["SyncEnabled"],
    }


async def _completion(visit: Visit, event: Facts) -> Facts | None:
    """Say how an event was made into completions; None where none are made."""
    path = f"/api/programs/{visit.program}/eventCompletions"
    if event["EventType"] != COMPLETED:
        return None
    try:
        found = await visit.api.get(path)
        failed = await visit.api.get(f"{path}/failures", eventId=event["EventId"])
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        return None
    return {
        "waits": event["CreatedUtc"] > found["ThroughUtc"],
        "failure": next(iter(failed["items"]), None),
    }


PAGES: Pages = (
    ("/learning/events", ["GET"], table),
    ("/learning/event", ["GET"], one),
    ("/learning/event/delete", ["GET"], ask_to_delete),
    ("/learning/event/delete", ["POST"], delete),
)
