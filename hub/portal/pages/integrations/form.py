"""The form that makes or changes an integration, and tries it before it is saved."""

from collections.abc import Mapping

from starlette.responses import Response

from hub.portal.fields import etag_of, texts, whole_number
from hub.portal.forms import ask, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.integrations import providers
from hub.portal.pages.integrations.subject import path_of, root_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME

ROOT = f"{HOME}/integrations"
TEXTS = ("name", "technicalEmails", "statementUrl", "authenticationUrl", "clientId")
SECRETS = ("clientSecret", "refreshToken")
NUMBERS = ("batchSize", "concurrency")


async def add(visit: Visit) -> Response:
    """Ask for a new integration."""
    return await _new(visit, {"status": "active"})


async def added(visit: Visit) -> Response:
    """Make an integration, or say beside each field what is wrong with it."""
    form = await form_of(visit)
    try:
        made = await visit.api.post(_of_program(visit), await _chosen(visit, form))
    except Refusal as refusal:
        return await _new(visit, form, refusal, refusal.errors)
    runs = "and runs" if made["status"] == "active" else "and disabled: what arrives is held"
    return visit.go(f"{ROOT}/{made['id']}", f"It is added, {runs}.")


async def try_new(visit: Visit) -> Response:
    """Try an integration that is not there yet; nothing of it is kept."""
    form = await form_of(visit)
    try:
        tried = {"integration": await _chosen(visit, form)}
        told = await visit.api.post(f"{_of_program(visit)}/test", tried)
    except Refusal as refusal:
        return await _new(visit, form, refusal, refusal.below("integration") or refusal.errors)
    return await _new(visit, form, told=told)


async def edit(visit: Visit) -> Response:
    """Ask for changes of an integration."""
    found = await visit.api.get(path_of(visit))
    return _old(visit, found, texts(found))


async def edited(visit: Visit) -> Response:
    """Change an integration; secrets that are left blank stay as they are."""
    path, form = path_of(visit), await form_of(visit)
    try:
        await visit.api.patch(path, _changes(form), if_match=etag_of(form))
    except Refusal as refusal:
        found = await visit.api.get(path)
        return _old(visit, found, form, refusal, refusal.errors)
    return visit.go(root_of(visit), "It is saved.")


async def try_changes(visit: Visit) -> Response:
    """Try an integration as it would be; nothing is saved."""
    path, form = path_of(visit), await form_of(visit)
    found = await visit.api.get(path)
    try:
        told = await visit.api.post(f"{path}/test", {"changes": _changes(form)})
    except Refusal as refusal:
        return _old(visit, found, form, refusal, refusal.below("changes"))
    return _old(visit, found, form, told=told)


async def _new(
    visit: Visit,
    form: Mapping[str, str],
    refusal: Refusal | None = None,
    errors: Mapping[str, str] | None = None,
    *,
    told: Facts | None = None,
) -> Response:
    untaken = await providers.offered(visit)
    return ask(
        visit,
        "integrations/form.html",
        form,
        refusal,
        errors=errors or {},
        it=None,
        untaken=untaken,
        likely=await providers.like(visit, form.get("providerName", "")) if untaken.more else (),
        told=told,
    )


def _old(
    visit: Visit,
    found: Facts,
    form: Mapping[str, str],
    refusal: Refusal | None = None,
    errors: Mapping[str, str] | None = None,
    *,
    told: Facts | None = None,
) -> Response:
    # Whoever was overtaken has been told so, and may save over what is there now.
    is_overtaken = refusal is not None and refusal.status == 412
    shown = {**form, "revision": found["revision"]} if is_overtaken else form
    return ask(
        visit, "integrations/form.html", shown, refusal, errors=errors or {}, it=found, told=told
    )


async def _chosen(visit: Visit, form: Mapping[str, str]) -> Facts:
    """Give the integration that a form says; where there are many providers, one is named."""
    if name := form.get("providerName"):
        return _whole({**form, "provider": await providers.named(visit, name)})
    return _whole(form)


def _whole(form: Mapping[str, str]) -> Facts:
    said = {name: value for name, value in _said(form).items() if value is not None}
    secrets = {name: form[name] for name in SECRETS if form.get(name)}
    return {"provider": form.get("provider", ""), "clientSecret": "", **said, **secrets}


def _changes(form: Mapping[str, str]) -> Facts:
    return _said(form) | {name: form[name] for name in SECRETS if form.get(name)}


def _said(form: Mapping[str, str]) -> Facts:
    said: Facts = {name: form[name] for name in TEXTS if name in form}
    said["status"] = form.get("status", "active")
    for name in NUMBERS:
        if name in form:
            said[name] = whole_number(form[name]) or None
    if "scope" in form:
        said["scope"] = form["scope"] or None
    return said


def _of_program(visit: Visit) -> str:
    return f"/api/programs/{visit.program}/integrations"


PAGES: Pages = (
    ("/integrations", ["POST"], added),
    ("/integrations/add", ["GET"], add),
    ("/integrations/try", ["POST"], try_new),
    ("/integrations/{integration_id}/edit", ["GET"], edit),
    ("/integrations/{integration_id}/edit", ["POST"], edited),
    ("/integrations/{integration_id}/try", ["POST"], try_changes),
)
