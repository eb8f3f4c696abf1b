"""A program: its facts, its LearningBuilder, its nightly sync, and the mails to its contacts."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from hub.portal.door.cookies import keep
from hub.portal.forms import ask, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME

ROOT = f"{HOME}/learning"
MAILS = 10


async def show(visit: Visit) -> Response:
    """Show the program that is looked at."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    path = f"/api/programs/{visit.program}"
    it = await visit.api.get(path)
    mails = await visit.api.get(f"{path}/mails", limit=MAILS)
    subscribers = await visit.api.get_all(f"{path}/subscribers")
    return visit.page("learning/program.html", it=it, mails=mails["items"], subscribers=subscribers)


async def edit(visit: Visit) -> Response:
    """Ask for changes of the program."""
    it = await visit.api.get(f"/api/programs/{visit.program}")
    return _form(visit, it, _written(it))


async def edited(visit: Visit) -> Response:
    """Change the program; a key that is left blank stays as it is."""
    path = f"/api/programs/{visit.program}"
    form = await form_of(visit)
    try:
        await visit.api.patch(path, _said(form))
    except Refusal as refusal:
        return _form(visit, await visit.api.get(path), form, refusal)
    return visit.go(ROOT, "The program is saved.")


async def add(visit: Visit) -> Response:
    """Ask for a new program; only a SYSTEM key can make one."""
    _require_system(visit)
    return _form(visit, None, {})


async def added(visit: Visit) -> Response:
    """Make a program, and look at it from now on."""
    form = await form_of(visit)
    program_id = form.get("ProgramId", "")
    try:
        await visit.api.post("/api/programs", {"ProgramId": program_id, **_said(form)})
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        return _form(visit, None, form, refusal)
    answer = visit.go(ROOT, f"Program {program_id} is there. You are looking at it now.")
    keep(answer, visit.request, visit.seal, replace(visit.session, program=program_id))
    return answer


def _require_system(visit: Visit) -> None:
    if not visit.api.caller.system:
        raise Refusal(403, "Not allowed", "Only a SYSTEM key makes programs.", {})


def _form(
    visit: Visit, it: Facts | None, form: Mapping[str, str], refusal: Refusal | None = None
) -> Response:
    errors: Mapping[str, str] = {}
    if refusal is not None:
        errors = {**refusal.errors, **refusal.below("NightlySync")}
        if refusal.status == 409:
            errors = {"ProgramId": "is taken; choose another"}
    # Its members are fields of the form, and have their own words.
    shown = {name: words for name, words in errors.items() if name != "NightlySync"}
    return ask(visit, "learning/program_form.html", form, refusal, errors=shown, it=it)


def _written(it: Facts) -> dict[str, str]:
    nightly = it["NightlySync"] or {"At": "", "Zone": ""}
    return {
        "Name": it["Name"],
        "TechnicalEmails": ", ".join(it["TechnicalEmails"]),
        "LbApiUrl": it["LbApiUrl"] or "",
        "At": nightly["At"],
        "Zone": nightly["Zone"],
    }


def _said(form: Mapping[str, str]) -> Facts:
    said: Facts = {
        "Name": form.get("Name", ""),
        "TechnicalEmails": form.get("TechnicalEmails", ""),
        "LbApiUrl": form.get("LbApiUrl") or None,
        "NightlySync": None,
    }
    if key := form.get("LbApiKey"):
        said["LbApiKey"] = key
    if form.get("At") or form.get("Zone"):
        said["NightlySync"] = {"At": form.get("At", "")[:5], "Zone": form.get("Zone", "")}
    return said


PAGES: Pages = (
    ("/learning", ["GET"], show),
    ("/learning/program/edit", ["GET"], edit),
    ("/learning/program/edit", ["POST"], edited),
    ("/learning/programs/add", ["GET"], add),
    ("/learning/programs/add", ["POST"], added),
)
