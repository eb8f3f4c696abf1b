"""Providers: the kinds of remote systems, added and changed by whoever has a SYSTEM key."""

from collections.abc import Mapping
from urllib.parse import quote

from starlette.responses import Response

from hub.portal.fields import texts, whole_number
from hub.portal.forms import ask, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.administration.entrance import only_system
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME

ROOT = f"{HOME}/admin/providers"
CHOICES = ("name", "status", "objectId", "actorId", "xapiVersion", "tokenAuth")
NULLABLE = ("objectIdTemplate", "accountHomePage", "scope")
NUMBERS = ("batchSize", "concurrency")
NEW = {
    "status": "active",
    "objectId": "uri",
    "actorId": "email",
    "verbs": "completed",
    "xapiVersion": "1.0.3",
    "batchSize": "1",
    "concurrency": "1",
    "tokenAuth": "basic",
}


async def table(visit: Visit) -> Response:
    """List the providers."""
    only_system(visit)
    page = await visit.listed("/api/providers")
    return visit.page("administration/providers.html", found=page["items"], next=page["next"])


async def add(visit: Visit) -> Response:
    """Ask for a new provider."""
    only_system(visit)
    return _ask(visit, NEW)


async def added(visit: Visit) -> Response:
    """Make a provider, or say beside each field what is wrong with it."""
    form = await form_of(visit)
    said = {name: value for name, value in _said(form).items() if value is not None}
    if form.get("id"):
        said["id"] = form["id"]
    try:
        await visit.api.post("/api/providers", said)
    except Refusal as refusal:
        return _ask(visit, form, refusal)
    return visit.go(ROOT, f"The provider {form.get('name', '')} is added.")


async def edit(visit: Visit) -> Response:
    """Ask for changes of a provider."""
    only_system(visit)
    it = await visit.api.get(_path(visit))
    parameters = "\n".join(f"{name}={value}" for name, value in it["tokenParameters"].items())
    return _ask(visit, {**texts(it), "tokenParameters": parameters}, it=it)


async def edited(visit: Visit) -> Response:
    """Change a provider, and with it all its integrations."""
    form = await form_of(visit)
    try:
        await visit.api.patch(_path(visit), _said(form))
    except Refusal as refusal:
        return _ask(visit, form, refusal, it=await visit.api.get(_path(visit)))
    return visit.go(ROOT, f"The provider {form.get('name', '')} is saved.")


async def ask_to_delete(visit: Visit) -> Response:
    """Ask whether it is meant."""
    only_system(visit)
    it = await visit.api.get(_path(visit))
    return visit.page("administration/provider_delete.html", it=it, trouble="")


async def delete(visit: Visit) -> Response:
    """Take a provider away, unless an integration uses it."""
    await form_of(visit)
    it = await visit.api.get(_path(visit))
    try:
        await visit.api.delete(_path(visit))
    except Refusal as refusal:
        if refusal.status != 409:
            raise
        trouble = "Integrations use it, so it stays. Disable it, and nobody can add another."
        return visit.page("administration/provider_delete.html", status=409, it=it, trouble=trouble)
    return visit.go(ROOT, f"The provider {it['name']} is deleted.")


def _ask(
    visit: Visit,
    form: Mapping[str, str],
    refusal: Refusal | None = None,
    *,
    it: Facts | None = None,
) -> Response:
    return ask(visit, "administration/provider_form.html", form, refusal, it=it)


def _said(form: Mapping[str, str]) -> Facts:
    said: Facts = {name: form[name] for name in CHOICES if name in form}
    said |= {name: form[name] or None for name in NULLABLE if name in form}
    for name in NUMBERS:
        if written := form.get(name):
            said[name] = whole_number(written)
    said["verbs"] = [one.strip() for one in form.get("verbs", "").split(",") if one.strip()]
    pairs = [line.partition("=") for line in form.get("tokenParameters", "").splitlines() if line]
    said["tokenParameters"] = {name.strip(): value.strip() for name, _, value in pairs}
    return said


def _path(visit: Visit) -> str:
    return f"/api/providers/{quote(visit.request.path_params['provider_id'], safe='')}"


PAGES: Pages = (
    ("/admin/providers", ["GET"], table),
    ("/admin/providers", ["POST"], added),
    ("/admin/providers/add", ["GET"], add),
    ("/admin/providers/{provider_id}/edit", ["GET"], edit),
    ("/admin/providers/{provider_id}/edit", ["POST"], edited),
    ("/admin/providers/{provider_id}/delete", ["GET"], ask_to_delete),
    ("/admin/providers/{provider_id}/delete", ["POST"], delete),
)
