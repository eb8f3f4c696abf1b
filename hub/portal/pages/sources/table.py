"""The sources of a program."""

from starlette.responses import Response

from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME


async def table(visit: Visit) -> Response:
    """List the sources of a program."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    path = f"/api/programs/{visit.program}/sources"
    page = await visit.listed(path)
    return visit.page("sources/table.html", found=page["items"], next=page["next"])


PAGES: Pages = (("/sources", ["GET"], table),)
