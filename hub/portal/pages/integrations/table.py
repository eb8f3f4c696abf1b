"""The integrations of a program."""

from starlette.responses import Response

from hub.portal.inside import Facts
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME, query

ROOT = f"{HOME}/integrations"
STATES = ("flowing", "down", "refused", "disabled", "parked")


async def table(visit: Visit) -> Response:
    """List the integrations of a program."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    return visit.page("integrations/table.html", **await _listed(visit))


async def rows(visit: Visit) -> Response:
    """Give the rows of the table alone, as they are now."""
    listed = await _listed(visit)
    answer = visit.page("integrations/rows.html", **listed)
    # The address says what is shown, so that whoever comes back to it finds it again.
    shown = "&".join(filter(None, (listed["query"], visit.paging.query)))
    answer.headers["HX-Replace-Url"] = f"{ROOT}?{shown}" if shown else ROOT
    return answer


async def _listed(visit: Visit) -> Facts:
    asked = visit.request.query_params
    state = asked.get("state", "")
    wanted = {"q": asked.get("q", "").strip()[:200], "state": state if state in STATES else ""}
    path = f"/api/programs/{visit.program}/integrations"
    page = await visit.listed(path, activity=True, **wanted)
    return {
        "found": page["items"],
        "next": page["next"],
        "total": page["total"],
        "wanted": wanted,
        "query": query(wanted),
        "states": STATES,
    }


PAGES: Pages = (
    ("/integrations", ["GET"], table),
    ("/integrations/rows", ["GET"], rows),
)
