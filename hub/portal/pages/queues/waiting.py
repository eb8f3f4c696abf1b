"""What waits for an integration, in the order in which it is sent, and throwing it away."""

from starlette.responses import Response

from hub.portal.forms import form_of
from hub.portal.inside import Facts
from hub.portal.pages.integrations.subject import path_of, root_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit


async def show(visit: Visit) -> Response:
    """List what waits, oldest first."""
    page = await visit.listed(f"{path_of(visit)}/queue")
    it = await visit.api.get(path_of(visit))
    return visit.page("queues/waiting.html", it=it, page=page)


async def ask_to_purge(visit: Visit) -> Response:
    """Say how much would be thrown away."""
    return visit.page("queues/purge.html", it=await visit.api.get(path_of(visit)))


async def purge(visit: Visit) -> Response:
    """Throw away what waits."""
    await form_of(visit)
    purged: Facts = await visit.api.post(f"{path_of(visit)}/queue/purge")
    count = purged["purged"]
    words = "1 statement was" if count == 1 else f"{count:,} statements were"
    return visit.go(f"{root_of(visit)}/queue", f"{words} thrown away.")


PAGES: Pages = (
    ("/integrations/{integration_id}/queue", ["GET"], show),
    ("/integrations/{integration_id}/queue/purge", ["GET"], ask_to_purge),
    ("/integrations/{integration_id}/queue/purge", ["POST"], purge),
)
