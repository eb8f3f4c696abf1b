"""One integration: how it stands and what to do about it, how it went, and whom that was told."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from hub.portal.forms import form_of
from hub.portal.inside import Facts
from hub.portal.pages.integrations.subject import path_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME

ROOT = f"{HOME}/integrations"
SPANS = (("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))
USUAL = "24h"
TURNS, ATTEMPTS, MAILS = 6, 5, 3
DISABLED = "It is disabled: what arrives is held, and goes out once it is enabled."
PLOTTED = (
    *("delivered", "refused", "unavailable", "queued", "parked"),
    *("halfWithinMilliseconds", "mostWithinMilliseconds", "requestMilliseconds"),
)


async def one(visit: Visit) -> Response:
    """Show an integration, how it stands, and what to do about it."""
    found = await visit.api.get(path_of(visit))
    return visit.page(
        "integrations/overview.html",
        it=found,
        forecast=await _forecast(visit, found),
        spans=SPANS,
        **await _went(visit),
        **await _lately(visit),
    )


async def went(visit: Visit) -> Response:
    """Give the numbers of how it went alone, as they are now."""
    found = await visit.api.get(path_of(visit))
    return visit.page("integrations/went.html", it=found, spans=SPANS, **await _went(visit))


async def lately(visit: Visit) -> Response:
    """Give what happened lately alone, as it is now."""
    found = await visit.api.get(path_of(visit))
    return visit.page("integrations/lately.html", it=found, **await _lately(visit))


async def state(visit: Visit) -> Response:
    """Give how an integration stands alone, as it is now."""
    found = await visit.api.get(path_of(visit))
    return visit.page("integrations/state.html", it=found, forecast=await _forecast(visit, found))


async def time_line(visit: Visit) -> Response:
    """Show all that happened to an integration."""
    path = path_of(visit)
    page = await visit.api.get(f"{path}/timeline", cursor=visit.paging.cursor)
    return visit.page(
        "integrations/turns.html",
        it=await visit.api.get(path),
        turns=page["items"],
        next=page.get("next"),
    )


async def mails(visit: Visit) -> Response:
    """Show which mails went to the technical contacts."""
    path = path_of(visit)
    return visit.page(
        "integrations/mails.html",
        it=await visit.api.get(path),
        mails=await visit.api.get(f"{path}/mails"),
    )


async def turn(visit: Visit) -> Response:
    """Enable or disable an integration."""
    form = await form_of(visit)
    changed = await visit.api.patch(path_of(visit), {"status": form.get("status", "")})
    is_active = changed["status"] == "active"
    told = "It is enabled: what waits goes out." if is_active else DISABLED
    return visit.go(f"{ROOT}/{changed['id']}", told)


async def ask_to_delete(visit: Visit) -> Response:
    """Say what would be lost."""
    return visit.page("integrations/delete.html", it=await visit.api.get(path_of(visit)))


async def delete(visit: Visit) -> Response:
    """Delete an integration, with what waits if that was said."""
    form = await form_of(visit)
    await visit.api.delete(path_of(visit), discard="discard" in form)
    return visit.go(ROOT, "It is deleted.")


async def download_queue(visit: Visit) -> Response:
    """Hand out what waits, as a file."""
    return await visit.api.file(f"{path_of(visit)}/queue/download")


async def download_parked(visit: Visit) -> Response:
    """Hand out what is parked, as a file."""
    return await visit.api.file(f"{path_of(visit)}/parked/download")


async def _went(visit: Visit) -> Facts:
    span = _span(visit)
    history = await visit.api.get(f"{path_of(visit)}/history", span=span)
    points = history["points"]
    return {
        "span": span,
        "points": points,
        "is_quiet": not any(any(point[name] for name in PLOTTED) for point in points),
        "plotted": _plotted(points, history["stepSeconds"]),
    }


async def _lately(visit: Visit) -> Facts:
    path = path_of(visit)
    return {
        "turns": (await visit.api.get(f"{path}/timeline", limit=TURNS))["items"],
        "mails": await visit.api.get(f"{path}/mails"),
        "mails_shown": MAILS,
        "attempts": (await visit.api.get(f"{path}/attempts", limit=ATTEMPTS))["items"],
    }


def _span(visit: Visit) -> str:
    asked = visit.request.query_params.get("span", "")
    return asked if asked in dict(SPANS) else USUAL


async def _forecast(visit: Visit, found: Facts) -> Facts | None:
    """Ask how long catching up takes, where something waits and Redis can be asked."""
    if not found["health"] or not found["health"]["queued"]:
        return None
    return await visit.api.get(f"{path_of(visit)}/forecast")


def _plotted(points: Sequence[Facts], step: int) -> str:
    return json.dumps(
        {
            "step": step,
            "at": [point["at"] for point in points],
            **{name: [point[name] for point in points] for name in PLOTTED},
        }
    )


ONE = "/integrations/{integration_id}"
PAGES: Pages = (
    (ONE, ["GET"], one),
    (f"{ONE}/state", ["GET"], state),
    (f"{ONE}/went", ["GET"], went),
    (f"{ONE}/lately", ["GET"], lately),
    (f"{ONE}/timeline", ["GET"], time_line),
    (f"{ONE}/mails", ["GET"], mails),
    (f"{ONE}/status", ["POST"], turn),
    (f"{ONE}/delete", ["GET"], ask_to_delete),
    (f"{ONE}/delete", ["POST"], delete),
    (f"{ONE}/queue/download", ["GET"], download_queue),
    (f"{ONE}/parked/download", ["GET"], download_parked),
)
