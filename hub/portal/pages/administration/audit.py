"""Who changed what: of the program that is looked at, and, for SYSTEM keys, of everything."""

from starlette.responses import Response

from hub.portal.fields import utc
from hub.portal.forms import ask
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME, query
from hub.portal.wording.changes import lines

KINDS = (
    *("integration", "statements", "source", "file", "program", "subscription"),
    *("event", "event_completions", "provider", "key", "secrets"),
)
FILTERS = ("kind", "subject", "by", "since", "until")
UNTOLD = frozenset({"revision"})
"""It rises with every change, and tells of none."""
LINKED = {
    "integration": f"{HOME}/integrations/",
    "statements": f"{HOME}/integrations/",
    "source": f"{HOME}/sources/",
}


async def of_program(visit: Visit) -> Response:
    """List the changes of the program that is looked at."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    return await _table(
        visit, f"/api/programs/{visit.program}/audit", "administration/audit_of_program.html"
    )


async def of_all(visit: Visit) -> Response:
    """List all changes there are."""
    return await _table(visit, "/api/audit", "administration/audit.html")


async def _table(visit: Visit, path: str, template: str) -> Response:
    asked = visit.request.query_params
    form = {name: asked.get(name, "") for name in (*FILTERS, "programId")}
    filters = {**form, "since": utc(form["since"]), "until": utc(form["until"])}
    refusal = None
    try:
        page = await visit.listed(path, **filters)
    except Refusal as found:
        if found.status not in (400, 422):
            raise
        page, refusal = {"items": [], "next": None}, found
    return ask(
        visit,
        template,
        form,
        refusal,
        entries=[_entry(one) for one in page["items"]],
        next=page["next"],
        kinds=[("", "everything"), *((kind, kind.replace("_", " ")) for kind in KINDS)],
        query=query(form),
    )


def _entry(one: Facts) -> Facts:
    root = LINKED.get(one["kind"])
    is_there = root and one["action"] not in ("deleted", "deleting")
    return {
        **one,
        "lines": [line for line in lines(one["changes"]) if line.field not in UNTOLD],
        "link": f"{root}{one['subject']}" if is_there else "",
        "name": _name(one["changes"]),
    }


def _name(changes: Facts) -> str:
    """Give what a thing is called, where a change tells it."""
    settings = changes.get("settings")
    named = changes.get("name") or changes.get("user_id")
    if isinstance(named, dict):
        return str(named.get("after") or named.get("before") or "")
    if isinstance(settings, dict):
        whole = settings.get("after") or settings.get("before") or {}
        return str(whole.get("name", ""))
    return ""


PAGES: Pages = (
    ("/changes", ["GET"], of_program),
    ("/admin/changes", ["GET"], of_all),
)
