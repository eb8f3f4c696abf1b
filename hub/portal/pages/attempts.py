"""The requests to an integration's server: which there were, and one of them in full."""

from starlette.responses import Response

from hub.portal.frame import Visit
from hub.portal.pages.filtering import listed, wanted_of
from hub.portal.pages.page import Pages

FILTERS = ("outcome", "status", "since", "until")
OUTCOMES = ("accepted", "refused", "unavailable")


async def show(visit: Visit) -> Response:
    """List the requests, newest first."""
    wanted = wanted_of(visit, FILTERS)
    it, page, errors = await listed(visit, "attempts", wanted)
    return visit.page(
        "attempts.html", it=it, page=page, wanted=wanted, errors=errors, outcomes=OUTCOMES
    )


async def one(visit: Visit) -> Response:
    """Show one request: what was sent, and what was answered."""
    path = f"/api/integrations/{visit.request.path_params['integration_id']}"
    found = await visit.api.get(f"{path}/attempts/{visit.request.path_params['attempt_id']}")
    return visit.page("attempt.html", it=await visit.api.get(path), attempt=found)


PAGES: Pages = (
    ("/integrations/{integration_id}/attempts", ["GET"], show),
    ("/integrations/{integration_id}/attempts/{attempt_id}", ["GET"], one),
)
