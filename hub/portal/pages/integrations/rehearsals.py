"""Testing an integration: a made-up statement whose values can be changed, sent now."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from hub.portal.forms import form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.integrations.subject import path_of
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit


async def ask(visit: Visit) -> Response:
    """Offer a made-up statement to send."""
    example = (await visit.api.get(f"{path_of(visit)}/test"))["statement"]
    return await _page(visit, _fields(example))


async def test(visit: Visit) -> Response:
    """Send a made-up statement outside of the queue, and show each step of the way."""
    form = await form_of(visit)
    try:
        example = (await visit.api.get(f"{path_of(visit)}/test"))["statement"]
        told = await visit.api.post(f"{path_of(visit)}/test", {"statement": _said(form, example)})
    except Refusal as refusal:
        return await _page(visit, form, refusal=refusal)
    return await _page(visit, form, told=told, is_own=_is_own(form, example))


async def _page(
    visit: Visit,
    form: Mapping[str, str],
    *,
    told: Facts | None = None,
    refusal: Refusal | None = None,
    is_own: bool = False,
) -> Response:
    return visit.page(
        "integrations/test.html",
        status=refusal.status if refusal else 200,
        it=await visit.api.get(path_of(visit)),
        form=form,
        told=told,
        refusal=refusal,
        is_open=refusal is not None or is_own,
    )


def _is_own(form: Mapping[str, str], example: Facts) -> bool:
    """Whether somebody has changed a value; the time has moved on by itself."""
    offered = {**_fields(example), "timestamp": form.get("timestamp", "")}
    return any(value != offered.get(name, "") for name, value in form.items())


def _fields(statement: Facts) -> dict[str, str]:
    """Give the values of a statement that people change."""
    actor, activity = statement["actor"], statement["object"]
    account = actor.get("account", {})
    return {
        "mailbox": actor.get("mbox", "").removeprefix("mailto:"),
        "account": account.get("name", ""),
        "homePage": account.get("homePage", ""),
        "verb": statement["verb"]["id"],
        "object": activity["id"],
        "timestamp": statement["timestamp"],
    }


def _said(form: Mapping[str, str], example: Facts) -> Facts:
    """Give the members of the statement that the form says. Raises Refusal."""
    if written := form.get("json"):
        return _read(written)
    said: Facts = {"actor": _actor(form) or example["actor"]}
    if form.get("verb"):
        said["verb"] = {"id": form["verb"]}
    said["object"] = {**example["object"], **_activity(form, example["object"])}
    if form.get("timestamp"):
        said["timestamp"] = form["timestamp"]
    return said


def _actor(form: Mapping[str, str]) -> Facts | None:
    if form.get("mailbox"):
        return {"mbox": f"mailto:{form['mailbox']}"}
    if form.get("account"):
        home = {"homePage": form["homePage"]} if form.get("homePage") else {}
        return {"account": {"name": form["account"], **home}}
    return None


def _activity(form: Mapping[str, str], example: Facts) -> Facts:
    said: Facts = {"id": form["object"]} if form.get("object") else {}
    if form.get("title"):
        named = {"name": {"en": form["title"]}}
        said["definition"] = {**example.get("definition", {}), **named}
    return said


def _read(written: str) -> Facts:
    try:
        said = json.loads(written)
    except (ValueError, RecursionError) as error:
        told = {"json": f"is no JSON: {error}"}
        raise Refusal(422, "Not sent", "the statement is no JSON", told) from error
    if not isinstance(said, dict):
        told = {"json": "must be one JSON object"}
        raise Refusal(422, "Not sent", "the statement must be one JSON object", told)
    return said


PAGES: Pages = (
    ("/integrations/{integration_id}/test", ["GET"], ask),
    ("/integrations/{integration_id}/test", ["POST"], test),
)
