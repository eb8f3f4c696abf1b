"""Subscriptions: whose events a program receives, how far each has got, and sending again."""

from collections.abc import Mapping
from functools import partial

from starlette.responses import Response

from hub.portal.fields import utc
from hub.portal.forms import form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME
from hub.portal.wording.plain import number

ROOT = f"{HOME}/learning/subscriptions"
MOST_COUNTED = 10_000
OFFERED = 50
"""With more programs than these, one is looked for by name or id."""
BEGINNING = "1970-01-01T00:00:00Z"


async def table(visit: Visit) -> Response:
    """List the subscriptions of a program."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    found = await visit.api.get_all(f"/api/programs/{visit.program}/eventSubs", counted=True)
    return visit.page("learning/subscriptions.html", found=found)


async def add(visit: Visit) -> Response:
    """Ask whose events are to be received; the templates come next."""
    return await _ask_whom(visit, {}, {})


async def added(visit: Visit) -> Response:
    """Subscribe, with nothing imported yet, and go on to the templates."""
    form = await form_of(visit)
    publisher = form.get("PublisherProgramId", "")
    said = {"PublisherProgramId": publisher, "SyncEnabled": False, "LbApiPayloadTemplate": {}}
    try:
        await visit.api.post(f"/api/programs/{visit.program}/eventSubs", said)
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        words = refusal.errors.get("PublisherProgramId", str(refusal))
        return await _ask_whom(visit, form, {"PublisherProgramId": words}, refusal.status)
    told = f"{visit.program} is subscribed to {publisher}. Say what becomes of its events."
    return visit.go(f"{ROOT}/{publisher}", told)


async def ask_to_set_back(visit: Visit) -> Response:
    """Ask from when on events are to be sent again."""
    return await _set_back(visit, {}, {})


async def set_back(visit: Visit) -> Response:
    """Count what would be sent; set the cursor once somebody is sure."""
    form = await form_of(visit)
    since = _since(form)
    if since == "":
        return await _set_back(visit, form, {"since": "say from when on"}, status=422)
    try:
        if form.get("sure") == "yes":
            await visit.api.patch(_path(visit), {"LastSyncUtc": since})
            return visit.go(ROOT, _told(visit, form))
        asked = partial(visit.api.get, f"{_path(visit)}/waiting")
        counted = await asked(since=since or BEGINNING)
        now = await asked()
    except Refusal as refusal:
        words = refusal.errors.get("LastSyncUtc") or str(refusal)
        return await _set_back(visit, form, {"since": words}, status=refusal.status)
    return await _set_back(visit, form, {}, counted=counted, before=now)


async def ask_to_delete(visit: Visit) -> Response:
    """Say what ending a subscription means."""
    return visit.page("learning/subscription_delete.html", it=await visit.api.get(_path(visit)))


async def delete(visit: Visit) -> Response:
    """End a subscription."""
    await form_of(visit)
    await visit.api.delete(_path(visit))
    return visit.go(ROOT, "The subscription is ended. The events stay with their publisher.")


def _path(visit: Visit) -> str:
    return f"/api/programs/{visit.program}/eventSubs/{visit.request.path_params['publisher']}"


async def _ask_whom(
    visit: Visit, form: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response:
    if not visit.api.caller.system:
        raise Refusal(403, "Not allowed", "Only a SYSTEM key subscribes programs.", {})
    words = (form.get("q") or visit.request.query_params.get("q", "")).strip()[:200]
    programs = await visit.api.get("/api/programs", limit=OFFERED, q=words)
    known = await visit.api.get_all(f"/api/programs/{visit.program}/eventSubs")
    taken = {visit.program, *(one["PublisherProgramId"] for one in known)}
    return visit.page(
        "learning/subscription_add.html",
        status=status,
        form=form,
        errors=errors,
        words=words,
        has_more=programs["next"] is not None,
        programs=[one for one in programs["items"] if one["ProgramId"] not in taken],
    )


async def _set_back(
    visit: Visit,
    form: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    counted: Facts | None = None,
    before: Facts | None = None,
    status: int = 200,
) -> Response:
    if not visit.api.caller.system:
        raise Refusal(403, "Not allowed", "Only a SYSTEM key sets LastSyncUtc.", {})
    return visit.page(
        "learning/subscription_replay.html",
        status=status,
        it=await visit.api.get(_path(visit)),
        form=form,
        errors=errors,
        since=_since(form),
        counted=counted,
        before=before,
        most=MOST_COUNTED,
    )


def _since(form: Mapping[str, str]) -> str | None:
    """Give the moment that is meant; None is the beginning."""
    if form.get("what") == "all":
        return None
    # What is no time is handed on as it is, for the API to say so.
    return utc(form.get("since", ""))


def _told(visit: Visit, form: Mapping[str, str]) -> str:
    publisher = visit.request.path_params["publisher"]
    count = form.get("count", "")
    told = f"{number(int(count))} events" if count.isdecimal() else "What came after it"
    return f"{told} of {publisher} are sent by the next sync."


PAGES: Pages = (
    ("/learning/subscriptions", ["GET"], table),
    ("/learning/subscriptions", ["POST"], added),
    ("/learning/subscription/add", ["GET"], add),
    ("/learning/subscriptions/{publisher}/replay", ["GET"], ask_to_set_back),
    ("/learning/subscriptions/{publisher}/replay", ["POST"], set_back),
    ("/learning/subscriptions/{publisher}/delete", ["GET"], ask_to_delete),
    ("/learning/subscriptions/{publisher}/delete", ["POST"], delete),
)
