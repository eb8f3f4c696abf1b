"""What was refused and set aside: shown, counted, and released or discarded after a yes."""

from urllib.parse import parse_qs

from starlette.responses import Response

from hub.portal.fields import utc, whole_number
from hub.portal.forms import MOST_FIELDS, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.integrations.filtering import listed, wanted_of
from hub.portal.pages.integrations.subject import path_of, root_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import query
from hub.portal.wording.plain import statements

SELECTS = ("status", "since", "until")
DONE = {"release": "released", "discard": "discarded"}
COUNTED_AT_ONCE = 20_000
"""Among more than these, the count of a filter comes after the page."""
UNCOUNTED: Facts = {"count": None, "at_least": False}


async def show(visit: Visit) -> Response:
    """List the statements that were refused, newest first, with the server's words."""
    wanted = wanted_of(visit, (*SELECTS, "words"))
    it, page, errors = await listed(visit, "parked", wanted)
    return visit.page(
        "queues/parked.html",
        it=it,
        page=page,
        wanted=wanted,
        errors=errors,
        is_filtered=any(wanted.values()),
        selects=query({name: wanted[name] for name in SELECTS}),
    )


async def ask(visit: Visit) -> Response:
    """Ask whether those that were chosen are to be released or discarded, and say how many."""
    verb, chosen = _asked(visit)
    it = await visit.api.get(path_of(visit))
    is_soon = "statementIds" in chosen or "all" in chosen
    held = it["health"]["parked"] if it["health"] else 0
    is_counted = is_soon or held <= COUNTED_AT_ONCE
    counted = await _count(visit, verb, chosen) if is_counted else UNCOUNTED
    return visit.page(
        "queues/sure.html",
        it=it,
        verb=verb,
        chosen=chosen,
        query=visit.request.url.query,
        **counted,
    )


async def count(visit: Visit) -> Response:
    """Count those that were chosen, for a page that did not wait for it."""
    verb, chosen = _asked(visit)
    counted = await _count(visit, verb, chosen)
    return visit.page(
        "queues/sure_count.html", verb=verb, integration_id=_id(visit), query="", **counted
    )


async def steer(visit: Visit) -> Response:
    """Release or discard those that were chosen."""
    form = await form_of(visit)
    verb, chosen = _verb(form.get("verb", "")), _choice(_values(await visit.request.body()))
    told = await visit.api.post(f"{path_of(visit)}/parked/{verb}", chosen)
    done = f"{statements(told[DONE[verb]], 'is', 'are')} {DONE[verb]}."
    root = root_of(visit)
    if told.get("operationId"):
        return visit.go(f"{root}/replays", f"{done} It goes on by itself, see below.")
    return visit.go(f"{root}/parked", done)


def _asked(visit: Visit) -> tuple[str, Facts]:
    values = _values(visit.request.url.query.encode())
    verb = _verb(values.get("verb", [""])[0])
    if not visit.may_write:
        raise Refusal(403, "Not allowed", f"this key may not {verb} statements", {})
    return verb, _choice(values)


async def _count(visit: Visit, verb: str, chosen: Facts) -> Facts:
    told = await visit.api.post(f"{path_of(visit)}/parked/{verb}", {**chosen, "dryRun": True})
    return {"count": told[DONE[verb]], "at_least": told.get("atLeast", False)}


def _verb(said: str) -> str:
    if said not in DONE:
        raise Refusal(422, "What is to be done?", "statements are released or discarded", {})
    return said


def _choice(values: dict[str, list[str]]) -> Facts:
    if "id" in values:
        return {"statementIds": values["id"]}
    chosen: Facts = {}
    if status := values.get("status", [""])[0]:
        chosen["status"] = whole_number(status)
    for name in ("since", "until"):
        if written := values.get(name, [""])[0]:
            chosen[name] = utc(written)
    if not chosen and "all" not in values:
        told = "tick the statements that you mean, and try again"
        raise Refusal(422, "Nothing is chosen", told, {})
    return chosen or {"all": True}


def _values(written: bytes) -> dict[str, list[str]]:
    return parse_qs(written.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["integration_id"])


PAGES: Pages = (
    ("/integrations/{integration_id}/parked", ["GET"], show),
    ("/integrations/{integration_id}/parked", ["POST"], steer),
    ("/integrations/{integration_id}/parked/sure", ["GET"], ask),
    ("/integrations/{integration_id}/parked/count", ["GET"], count),
)
