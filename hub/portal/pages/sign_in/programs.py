"""Where one begins: the program that is looked at, and choosing another."""

from dataclasses import replace
from urllib.parse import quote

from starlette.responses import Response

from hub.portal.door.cookies import keep
from hub.portal.forms import form_of
from hub.portal.inside import Refusal
from hub.portal.pages.page import Pages
from hub.portal.rendering import go
from hub.portal.visit import Visit
from hub.portal.ways import HOME, query


async def home(visit: Visit) -> Response:
    """Go where most people want to."""
    return visit.go(f"{HOME}/integrations" if visit.program else f"{HOME}/programs")


async def choose(visit: Visit) -> Response:
    """List the programs to choose from."""
    asked = visit.request.query_params
    words = asked.get("q", "").strip()[:200]
    page = await visit.listed("/api/programs", q=words)
    return visit.page(
        "sign_in/programs.html",
        programs=page["items"],
        next=page["next"],
        words=words,
        query=query({"q": words}),
    )


async def chosen(visit: Visit) -> Response:
    """Look at another program."""
    form = await form_of(visit)
    program = form.get("program", "")
    found = await visit.api.get(f"/api/programs/{quote(program, safe='')}") if program else {}
    if found.get("ProgramId") != program:
        raise Refusal(404, "Not found", f"there is no program {program}", {})
    answer = go(f"{HOME}/integrations")
    keep(answer, visit.request, visit.seal, replace(visit.session, program=program))
    return answer


PAGES: Pages = (
    ("", ["GET"], home),
    ("/programs", ["GET"], choose),
    ("/programs", ["POST"], chosen),
)
