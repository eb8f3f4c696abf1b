"""Integrations: all of a program, one of them, and the form that makes or changes one."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from hub.portal.frame import HOME, Visit, form_of, texts
from hub.portal.inside import LARGEST_PAGE, Facts, Refusal
from hub.portal.pages.page import Pages

TEXTS = ("name", "technicalEmails", "statementUrl", "authenticationUrl", "clientId")
SECRETS = ("clientSecret", "refreshToken")
NUMBERS = ("batchSize", "concurrency")
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
    return visit.page("integration_rows.html", **await _listed(visit))


async def one(visit: Visit) -> Response:
    """Show an integration, how it stands, and what to do about it."""
    path = _path(visit)
    found = await visit.api.get(path)
    attempts = await visit.api.get(f"{path}/attempts", limit=10)
    return visit.page("integration.html", it=found, attempts=attempts["items"])


async def state(visit: Visit) -> Response:
    """Give how an integration stands alone, as it is now."""
    return visit.page("integration_state.html", it=await visit.api.get(_path(visit)))


async def add(visit: Visit) -> Response:
    """Ask for a new integration."""
    return await _ask(visit, {"status": "active"}, {})


async def added(visit: Visit) -> Response:
    """Make an integration, or say beside each field what is wrong with it."""
    form = await form_of(visit.request, visit)
    said = {**_said(form), "provider": form.get("provider", "")}
    said |= {name: form[name] for name in SECRETS if form.get(name)}
    try:
        path = f"/api/programs/{visit.program}/integrations"
        made = await visit.api.post(path, said | {"clientSecret": form.get("clientSecret", "")})
    except Refusal as refusal:
        return await _ask(visit, form, refusal.errors, refusal)
    return visit.go(f"{ROOT}/{made['id']}/test")


async def edit(visit: Visit) -> Response:
    """Ask for changes of an integration."""
    found = await visit.api.get(_path(visit))
    return visit.page("integration_form.html", it=found, form=texts(found), errors={}, trouble="")


async def edited(visit: Visit) -> Response:
    """Change an integration; secrets that are left blank stay as they are."""
    path = _path(visit)
    form = await form_of(visit.request, visit)
    said = _said(form) | {name: form[name] for name in SECRETS if form.get(name)}
    try:
        changed = await visit.api.patch(path, said)
    except Refusal as refusal:
        found = await visit.api.get(path)
        return visit.page(
            "integration_form.html",
            status=refusal.status,
            it=found,
            form=form,
            errors=refusal.errors,
            trouble=_trouble(refusal),
        )
    return visit.go(f"{ROOT}/{changed['id']}")


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
    return visit.go(ROOT)


async def ask_to_test(visit: Visit) -> Response:
    """Offer a made-up statement to send."""
    it = await visit.api.get(_path(visit))
    return visit.page("test.html", it=it, told=None)


async def test(visit: Visit) -> Response:
    """Send a made-up statement outside of the queue, and show each step of the way."""
    await form_of(visit.request, visit)
    path = _path(visit)
    told = await visit.api.post(f"{path}/test")
    return visit.page("test.html", it=await visit.api.get(path), told=told)


def _path(visit: Visit) -> str:
    return f"/api/integrations/{visit.request.path_params['integration_id']}"


async def _listed(visit: Visit) -> Facts:
    asked = visit.request.query_params
    state = asked.get("state", "")
    wanted = {"q": asked.get("q", "").strip()[:200], "state": state if state in STATES else ""}
    path, cursor = f"/api/programs/{visit.program}/integrations", asked.get("cursor", "")
    page = await visit.api.get(path, limit=SHOWN, cursor=cursor, **wanted)
    return {
        "found": page["items"],
        "next": page["next"],
        "wanted": wanted,
        "cursor": cursor,
        "query": urlencode({name: value for name, value in wanted.items() if value}),
        "states": STATES,
    }


async def _ask(
    visit: Visit,
    form: Mapping[str, str],
    errors: Mapping[str, str],
    refusal: Refusal | None = None,
) -> Response:
    return visit.page(
        "integration_form.html",
        status=refusal.status if refusal else 200,
        it=None,
        form=form,
        errors=errors,
        trouble=_trouble(refusal) if refusal else "",
        providers=await _untaken(visit),
    )


async def _untaken(visit: Visit) -> Sequence[Facts]:
    """Give the providers that the program has no integration with yet."""
    path = f"/api/programs/{visit.program}/providers"
    found: Sequence[Facts] = (await visit.api.get(path, limit=LARGEST_PAGE))["items"]
    return found


def _said(form: Mapping[str, str]) -> Facts:
    said: Facts = {name: form[name] for name in TEXTS if name in form}
    said["status"] = form.get("status", "active")
    for name in NUMBERS:
        if written := form.get(name):
            # What is no number is handed on as it is, for the API to say so beside its field.
            said[name] = int(written) if written.isdecimal() else written
    if form.get("scope"):
        said["scope"] = form["scope"]
    return said


def _trouble(refusal: Refusal) -> str:
    return "" if refusal.errors else str(refusal)


PAGES: Pages = (
    ("/integrations", ["GET"], table),
    ("/integrations", ["POST"], added),
    ("/integrations/rows", ["GET"], rows),
    ("/integrations/add", ["GET"], add),
    ("/integrations/{integration_id}", ["GET"], one),
    ("/integrations/{integration_id}/state", ["GET"], state),
    ("/integrations/{integration_id}/edit", ["GET"], edit),
    ("/integrations/{integration_id}/edit", ["POST"], edited),
    ("/integrations/{integration_id}/status", ["POST"], turn),
    ("/integrations/{integration_id}/delete", ["GET"], ask_to_delete),
    ("/integrations/{integration_id}/delete", ["POST"], delete),
    ("/integrations/{integration_id}/test", ["GET"], ask_to_test),
    ("/integrations/{integration_id}/test", ["POST"], test),
)
