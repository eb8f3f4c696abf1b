"""The sources of a program."""

from starlette.responses import Response

from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME

SHOWN = 50


async def table(visit: Visit) -> Response:
    """List the sources of a program."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    cursor = visit.request.query_params.get("cursor", "")
    path = f"/api/programs/{visit.program}/sources"
    page = await visit.api.get(path, limit=SHOWN, cursor=cursor)
    return visit.page("sources/table.html", found=page["items"], next=page["next"], cursor=cursor)


PAGES: Pages = (("/sources", ["GET"], table),)
