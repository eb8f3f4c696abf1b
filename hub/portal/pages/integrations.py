"""The integrations of a program."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from hub.portal.frame import HOME, Visit
from hub.portal.inside import Facts
from hub.portal.pages.page import Pages

ROOT = f"{HOME}/integrations"
SHOWN = 50
STATES = ("flowing", "down", "refused", "disabled", "parked")


async def table(visit: Visit) -> Response:
    """List the integrations of a program."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    return visit.page("integrations.html", **await _listed(visit))


async def rows(visit: Visit) -> Response:
    """Give the rows of the table alone, as they are now."""
    listed = await _listed(visit)
    answer = visit.page("integration_rows.html", **listed)
    # The address says what is shown, so that whoever comes back to it finds it again.
    shown = _query({**listed["wanted"], "cursor": listed["cursor"]})
    answer.headers["HX-Replace-Url"] = f"{ROOT}?{shown}" if shown else ROOT
    return answer


async def _listed(visit: Visit) -> Facts:
    asked = visit.request.query_params
    state = asked.get("state", "")
    wanted = {"q": asked.get("q", "").strip()[:200], "state": state if state in STATES else ""}
    path, cursor = f"/api/programs/{visit.program}/integrations", asked.get("cursor", "")
    page = await visit.api.get(path, limit=SHOWN, cursor=cursor, activity=True, **wanted)
    return {
        "found": page["items"],
        "next": page["next"],
        "total": page["total"],
        "wanted": wanted,
        "cursor": cursor,
        "query": _query(wanted),
        "states": STATES,
    }


def _query(asked: Mapping[str, str]) -> str:
    return urlencode({name: value for name, value in asked.items() if value})


PAGES: Pages = (
    ("/integrations", ["GET"], table),
    ("/integrations/rows", ["GET"], rows),
)
