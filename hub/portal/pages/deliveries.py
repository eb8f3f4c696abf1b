"""What became of statements: attempts, what is parked, and where one statement is."""

from starlette.responses import Response

from hub.portal.frame import HOME, Visit, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages

SHOWN = 50
OUTCOMES = ("accepted", "refused", "unavailable", "unauthorized")


async def attempts(visit: Visit) -> Response:
    """List the requests to an integration's server, newest first."""
    wanted = {name: visit.request.query_params.get(name, "") for name in ("outcome", "status")}
    it, page, trouble = await _asked(visit, "attempts", wanted)
    return visit.page(
        "attempts.html",
        it=it,
        page=page,
        wanted=wanted,
        trouble=trouble,
        outcomes=OUTCOMES,
    )


async def parked(visit: Visit) -> Response:
    """List the statements that were refused and set aside, with the server's words."""
    wanted = {"status": visit.request.query_params.get("status", "")}
    it, page, trouble = await _asked(visit, "parked", wanted)
    return visit.page("parked.html", it=it, page=page, wanted=wanted, trouble=trouble)


async def steer(visit: Visit) -> Response:
    """Release or discard one, those of a status, or all: counted first, done after a yes."""
    form = await form_of(visit.request, visit)
    verb = form.get("verb", "")
    if verb not in {"release", "discard"}:
        raise Refusal(422, "What is to be done?", "statements are released or discarded", {})
    choice: Facts = {"all": True}
    if form.get("statementId"):
        choice = {"statementIds": [form["statementId"]]}
    elif form.get("status", "").isdecimal():
        choice = {"status": int(form["status"])}
    path = f"{_path(visit)}/parked/{verb}"
    is_sure = form.get("sure") == "yes"
    told = await visit.api.post(path, {**choice, "dryRun": not is_sure})
    if is_sure:
        return visit.go(f"{HOME}/integrations/{visit.request.path_params['integration_id']}/parked")
    count = told["released" if verb == "release" else "discarded"]
    it = await visit.api.get(_path(visit))
    return visit.page("sure.html", it=it, verb=verb, count=count, form=form)


async def find(visit: Visit) -> Response:
    """Say where a statement is, and what has happened to it."""
    it, wanted = await visit.api.get(_path(visit)), visit.request.query_params.get("id", "").strip()
    found, trouble = None, ""
    if wanted:
        try:
            found = await visit.api.get(f"{_path(visit)}/statements/{wanted}")
        except Refusal as refusal:
            trouble = str(refusal)
    return visit.page("find.html", it=it, wanted=wanted, found=found, trouble=trouble)


async def _asked(visit: Visit, what: str, wanted: dict[str, str]) -> tuple[Facts, Facts, str]:
    it = await visit.api.get(_path(visit))
    cursor = visit.request.query_params.get("cursor", "")
    try:
        page = await visit.api.get(f"{_path(visit)}/{what}", limit=SHOWN, cursor=cursor, **wanted)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return it, {"items": [], "next": None}, "; ".join(refusal.errors.values()) or str(refusal)
    return it, page, ""


def _path(visit: Visit) -> str:
    return f"/api/integrations/{visit.request.path_params['integration_id']}"


PAGES: Pages = (
    ("/integrations/{integration_id}/attempts", ["GET"], attempts),
    ("/integrations/{integration_id}/parked", ["GET"], parked),
    ("/integrations/{integration_id}/parked", ["POST"], steer),
    ("/integrations/{integration_id}/find", ["GET"], find),
)
