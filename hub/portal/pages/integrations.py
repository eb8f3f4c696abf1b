"""Integrations: all of a program, and one of them."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from hub.portal.frame import HOME, Visit, form_of
from hub.portal.inside import Facts
from hub.portal.pages.page import Pages

ROOT = f"{HOME}/integrations"
SHOWN = 50
STATES = ("flowing", "down", "refused", "disabled", "parked")
DISABLED = "It is disabled: what arrives is held, and goes out once it is enabled."


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


async def one(visit: Visit) -> Response:
    """Show an integration, how it stands, and what to do about it."""
    path = _path(visit)
    found = await visit.api.get(path)
    attempts = await visit.api.get(f"{path}/attempts", limit=10)
    return visit.page("integration.html", it=found, attempts=attempts["items"])


async def state(visit: Visit) -> Response:
    """Give how an integration stands alone, as it is now."""
    return visit.page("integration_state.html", it=await visit.api.get(_path(visit)))


async def turn(visit: Visit) -> Response:
    """Enable or disable an integration."""
    form = await form_of(visit.request, visit)
    changed = await visit.api.patch(_path(visit), {"status": form.get("status", "")})
    is_active = changed["status"] == "active"
    told = "It is enabled: what waits goes out." if is_active else DISABLED
    return visit.go(f"{ROOT}/{changed['id']}", told)


async def ask_to_delete(visit: Visit) -> Response:
    """Say what would be lost."""
    return visit.page("integration_delete.html", it=await visit.api.get(_path(visit)))


async def delete(visit: Visit) -> Response:
    """Delete an integration, with what waits if that was said."""
    form = await form_of(visit.request, visit)
    await visit.api.delete(_path(visit), discard="discard" in form)
    return visit.go(ROOT, "It is deleted.")


def _path(visit: Visit) -> str:
    return f"/api/integrations/{visit.request.path_params['integration_id']}"


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
    ("/integrations/{integration_id}", ["GET"], one),
    ("/integrations/{integration_id}/state", ["GET"], state),
    ("/integrations/{integration_id}/status", ["POST"], turn),
    ("/integrations/{integration_id}/delete", ["GET"], ask_to_delete),
    ("/integrations/{integration_id}/delete", ["POST"], delete),
)
