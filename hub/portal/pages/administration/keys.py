"""API keys: listed, made and shown once, revoked."""

import re
from collections.abc import Mapping
from datetime import datetime

from starlette.responses import Response

from hub.api.house import house_of
from hub.portal.fields import utc
from hub.portal.forms import ask, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.administration.entrance import only_system
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME, query

ROOT = f"{HOME}/admin/keys"
SEPARATORS = re.compile(r"[\s,]+")
RIGHTS = ("read", "write")
"""The later counts where a program is named in both fields: who may write may read."""


async def table(visit: Visit) -> Response:
    """List the keys, revoked ones too."""
    asked = visit.request.query_params
    user_id = asked.get("userId", "").strip()
    page = await visit.listed("/api/keys", userId=user_id)
    now = house_of(visit.request).clock()
    return visit.page(
        "administration/keys.html",
        found=[{**one, "state": _state(one, now)} for one in page["items"]],
        next=page["next"],
        user_id=user_id,
        query=query({"userId": user_id}),
    )


async def add(visit: Visit) -> Response:
    """Ask whom a new key is for, and what it may do."""
    only_system(visit)
    return _ask(visit, {"kind": "programs", "write": visit.program})


async def added(visit: Visit) -> Response:
    """Make a key, and show it this once."""
    form = await form_of(visit)
    rights = {one: right for right in RIGHTS for one in _ids(form, right)}
    is_system = form.get("kind") == "system"
    said: Facts = {"userId": form.get("userId", ""), "system": is_system}
    said["programs"] = {} if is_system else rights
    if expires_at := form.get("expiresAt"):
        said["expiresAt"] = utc(expires_at)
    try:
        made = await visit.api.post("/api/keys", said)
    except Refusal as refusal:
        return _ask(visit, form, refusal)
    return visit.page("administration/key_made.html", it=made)


async def ask_to_revoke(visit: Visit) -> Response:
    """Ask whether it is meant."""
    it = await visit.api.get(_path(visit))
    own = it["keyId"] == visit.session.key_id
    return visit.page("administration/key_revoke.html", it=it, is_own=own)


async def revoke(visit: Visit) -> Response:
    """End a key's life."""
    await form_of(visit)
    it = await visit.api.get(_path(visit))
    await visit.api.delete(_path(visit))
    return visit.go(ROOT, f"The key of {it['userId']} is revoked, everywhere within 5 seconds.")


def _ask(visit: Visit, form: Mapping[str, str], refusal: Refusal | None = None) -> Response:
    errors = _errors(form, refusal) if refusal else {}
    return ask(visit, "administration/key_form.html", form, refusal, errors=errors)


def _errors(form: Mapping[str, str], refusal: Refusal) -> dict[str, str]:
    """Put what is wrong with a program beside the field that names it."""
    errors = {name: told for name, told in refusal.errors.items() if name != "programs"}
    for pointer, told in refusal.flaws.items():
        _, _, program_id = pointer.removeprefix("/programs").partition("/")
        if pointer == "/programs":
            errors["write"] = told
        elif pointer.startswith("/programs/"):
            field = "read" if program_id in _ids(form, "read") else "write"
            errors[field] = f"{program_id} {told}"
    return errors


def _ids(form: Mapping[str, str], right: str) -> list[str]:
    return [one for one in SEPARATORS.split(form.get(right, "")) if one]


def _state(key: Facts, now: datetime) -> str:
    if key["revokedAt"]:
        return "revoked"
    is_over = key["expiresAt"] and datetime.fromisoformat(key["expiresAt"]) <= now
    return "expired" if is_over else "active"


def _path(visit: Visit) -> str:
    return f"/api/keys/{visit.request.path_params['key_id']}"


PAGES: Pages = (
    ("/admin/keys", ["GET"], table),
    ("/admin/keys", ["POST"], added),
    ("/admin/keys/add", ["GET"], add),
    ("/admin/keys/{key_id}/revoke", ["GET"], ask_to_revoke),
    ("/admin/keys/{key_id}/revoke", ["POST"], revoke),
)
