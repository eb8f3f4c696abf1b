"""Sending again what has ended: counted first, begun after a yes, watched and steered."""

from collections.abc import Mapping

from starlette.responses import Response

from hub.portal.fields import utc, whole_number
from hub.portal.forms import form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.integrations.subject import path_of, root_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit

VERBS = frozenset({"pause", "resume", "cancel"})


async def show(visit: Visit) -> Response:
    """Ask what is to be sent again, and list the work that is under way."""
    return await _page(visit, {}, {})


async def progress(visit: Visit) -> Response:
    """Give the work that is under way alone, as it is now."""
    return visit.page("queues/operations.html", **await _known(visit))


async def begin(visit: Visit) -> Response:
    """Count what is meant; begin once somebody is sure."""
    form = await form_of(visit)
    is_sure = form.get("sure") == "yes"
    try:
        told = await visit.api.post(
            f"{path_of(visit)}/replays", {**_said(form), "dryRun": not is_sure}
        )
    except Refusal as refusal:
        errors = refusal.errors or {"": str(refusal)}
        return await _page(visit, form, errors, status=refusal.status)
    if is_sure:
        return visit.go(f"{root_of(visit)}/replays")
    return await _page(visit, form, {}, counted=told)


async def steer(visit: Visit) -> Response:
    """Pause, resume or cancel one."""
    form = await form_of(visit)
    operation, verb = form.get("operation", ""), form.get("verb", "")
    if verb not in VERBS:
        raise Refusal(422, "What is to be done?", "work is paused, resumed or cancelled", {})
    await visit.api.post(f"{path_of(visit)}/operations/{operation}/{verb}")
    return visit.go(f"{root_of(visit)}/replays")


async def _page(
    visit: Visit,
    form: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    counted: Facts | None = None,
    status: int = 200,
) -> Response:
    known = await _known(visit)
    return visit.page(
        "queues/replays.html", status=status, form=form, errors=errors, counted=counted, **known
    )


async def _known(visit: Visit) -> Facts:
    page = await visit.listed(f"{path_of(visit)}/operations")
    it = await visit.api.get(path_of(visit))
    return {"it": it, "operations": page["items"], "next": page["next"]}


def _said(form: Mapping[str, str]) -> Facts:
    said: Facts = {"outcome": form.get("outcome", "delivered"), "inFront": "inFront" in form}
    for name in ("since", "until"):
        if written := form.get(name):
            said[name] = utc(written)
    if status := form.get("status"):
        said["status"] = whole_number(status)
    return said


PAGES: Pages = (
    ("/integrations/{integration_id}/replays", ["GET"], show),
    ("/integrations/{integration_id}/replays", ["POST"], begin),
    ("/integrations/{integration_id}/replays/progress", ["GET"], progress),
    ("/integrations/{integration_id}/replays/steer", ["POST"], steer),
)
