"""Event completions: how a program's events become statements, and which could not be."""

from collections.abc import Mapping

from starlette.responses import Response

from hub.portal.fields import utc
from hub.portal.forms import ask, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.learning.typed import typed
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME

ROOT = f"{HOME}/learning/completions"
EXAMPLE = """{
  "learner": {"email": "{{email}}"},
  "course": {"uri": "https://example.org/courses/{{code}}", "name": "{{course.name}}"}
}"""


async def show(visit: Visit) -> Response:
    """Show the template, how far it has got, and what was set aside."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    found = await _found(visit)
    failures: Facts = {"items": [], "next": None}
    if found:
        failures = await visit.listed(f"{_path(visit)}/failures")
    return visit.page("learning/completions.html", it=found, failures=failures)


async def edit(visit: Visit) -> Response:
    """Ask for a template."""
    found = await _found(visit)
    form = {"Template": found["Template"] if found else EXAMPLE}
    return _form(visit, found, form, None)


async def edited(visit: Visit) -> Response:
    """Save a template; what was set aside is tried again."""
    form = await form_of(visit)
    form["Template"] = typed(await visit.request.body()).get("Template", "")
    said: Facts = {"Template": form["Template"]}
    if since := form.get("SinceUtc"):
        said["SinceUtc"] = utc(since)
    try:
        await visit.api.put(_path(visit), said)
    except Refusal as refusal:
        return _form(visit, await _found(visit), form, refusal)
    return visit.go(ROOT, "The template is saved. What was set aside is tried again.")


async def ask_to_delete(visit: Visit) -> Response:
    """Say what ending means."""
    return visit.page("learning/completions_delete.html")


async def delete(visit: Visit) -> Response:
    """Convert no more events."""
    await form_of(visit)
    await visit.api.delete(_path(visit))
    return visit.go(ROOT, "Events are made into statements no more.")


def _path(visit: Visit) -> str:
    return f"/api/programs/{visit.program}/eventCompletions"


async def _found(visit: Visit) -> Facts | None:
    try:
        return await visit.api.get(_path(visit))
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        return None


def _form(
    visit: Visit, found: Facts | None, form: Mapping[str, str], refusal: Refusal | None
) -> Response:
    facts = refusal.facts if refusal else {}
    place = {"Line": facts.get("line"), "Column": facts.get("column")}
    return ask(visit, "learning/completions_form.html", form, refusal, it=found, place=place)


PAGES: Pages = (
    ("/learning/completions", ["GET"], show),
    ("/learning/completions/edit", ["GET"], edit),
    ("/learning/completions/edit", ["POST"], edited),
    ("/learning/completions/delete", ["GET"], ask_to_delete),
    ("/learning/completions/delete", ["POST"], delete),
)
