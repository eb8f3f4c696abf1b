"""What waits for an integration, in the order in which it is sent, and throwing it away."""

from starlette.responses import Response

from hub.portal.frame import HOME, Visit, form_of
from hub.portal.inside import Facts
from hub.portal.pages.page import Pages

SHOWN = 50


async def show(visit: Visit) -> Response:
    """List what waits, oldest first."""
    cursor = visit.request.query_params.get("cursor", "")
    page = await visit.api.get(f"{_path(visit)}/queue", limit=SHOWN, cursor=cursor)
    it = await visit.api.get(_path(visit))
    return visit.page("queue.html", it=it, page=page, is_first=not cursor)


async def ask_to_purge(visit: Visit) -> Response:
    """Say how much would be thrown away."""
    return visit.page("queue_purge.html", it=await visit.api.get(_path(visit)))


async def purge(visit: Visit) -> Response:
    """Throw away what waits."""
    await form_of(visit.request, visit)
    purged: Facts = await visit.api.post(f"{_path(visit)}/queue/purge")
    count = purged["purged"]
    words = "1 statement was" if count == 1 else f"{count:,} statements were"
    integration_id = visit.request.path_params["integration_id"]
    return visit.go(f"{HOME}/integrations/{integration_id}/queue", f"{words} thrown away.")


def _path(visit: Visit) -> str:
    return f"/api/integrations/{visit.request.path_params['integration_id']}"


PAGES: Pages = (
    ("/integrations/{integration_id}/queue", ["GET"], show),
    ("/integrations/{integration_id}/queue/purge", ["GET"], ask_to_purge),
    ("/integrations/{integration_id}/queue/purge", ["POST"], purge),
)
