"""The requests to an integration's server: which there were, and one of them in full."""

from starlette.responses import Response

from hub.portal.pages.integrations.filtering import listed, wanted_of
from hub.portal.pages.integrations.subject import path_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit

FILTERS = ("outcome", "status", "since", "until")
OUTCOMES = ("accepted", "refused", "unavailable")


async def show(visit: Visit) -> Response:
    """List the requests, newest first."""
    wanted = wanted_of(visit, FILTERS)
    it, page, errors = await listed(visit, "attempts", wanted)
    return visit.page(
        "integrations/attempts.html",
        it=it,
        page=page,
        wanted=wanted,
        errors=errors,
        outcomes=OUTCOMES,
    )


async def one(visit: Visit) -> Response:
    """Show one request: what was sent, and what was answered."""
    path = path_of(visit)
    found = await visit.api.get(f"{path}/attempts/{visit.request.path_params['attempt_id']}")
    return visit.page("integrations/attempt.html", it=await visit.api.get(path), attempt=found)


PAGES: Pages = (
    ("/integrations/{integration_id}/attempts", ["GET"], show),
    ("/integrations/{integration_id}/attempts/{attempt_id}", ["GET"], one),
)
