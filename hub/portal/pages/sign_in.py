"""Signing in with an API key, choosing a program, and signing out."""

from dataclasses import replace
from math import ceil
from secrets import token_urlsafe

from starlette.requests import Request
from starlette.responses import Response

from hub.api.house import house_of
from hub.portal.frame import (
    COOKIE,
    HOME,
    SIGN_IN,
    Visit,
    form_of,
    go,
    keep,
    porter_of,
    read_form,
    render,
)
from hub.portal.inside import LARGEST_PAGE, Facts, Refusal
from hub.portal.pages.page import Pages
from hub.portal.sessions import Session

WRONG = "This key is not valid. It begins with lh_, and may have ended or been revoked."
FOREIGN = "Sign in from the page itself."


async def show_form(_: Request) -> Response:
    """Ask for a key."""
    return render("sign_in.html", trouble="", user_id="")


async def sign_in(request: Request) -> Response:
    """Look at a key, and begin a session."""
    house, porter = house_of(request), porter_of(request)
    address = request.client.host if request.client else ""
    form = await read_form(request)
    user_id = form.get("userId", "")
    # There is no session yet whose token could be asked for; browsers say where a form comes from.
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return render("sign_in.html", status=403, trouble=FOREIGN, user_id=user_id)
    if pause := porter.guesses.wait(address):
        seconds = ceil(pause.total_seconds())
        words = f"Too many keys were tried from here. Try again in {seconds} s."
        answer = render("sign_in.html", status=429, trouble=words, user_id=user_id)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    caller = await house.keys.verify(user_id or None, form.get("apiKey", ""))
    porter.guesses.note(address, succeeded=caller is not None)
    if caller is None:
        return render("sign_in.html", status=401, trouble=WRONG, user_id=user_id)
    now = house.clock()
    only = next(iter(caller.programs)) if len(caller.programs) == 1 and not caller.system else ""
    session = Session(caller.key_id, now, now, token_urlsafe(12), only)
    answer = go(HOME)
    keep(answer, request, await porter.seal(), session)
    return answer


async def sign_out(visit: Visit) -> Response:
    """End a session."""
    await form_of(visit.request, visit)
    answer = go(SIGN_IN)
    answer.delete_cookie(COOKIE, path=HOME)
    return answer


async def home(visit: Visit) -> Response:
    """Go where most people want to."""
    return visit.go(f"{HOME}/integrations" if visit.program else f"{HOME}/programs")


async def choose(visit: Visit) -> Response:
    """List the programs to choose from."""
    return visit.page("programs.html", programs=await _programs(visit))


async def chosen(visit: Visit) -> Response:
    """Look at another program."""
    form = await form_of(visit.request, visit)
    program = form.get("program", "")
    if program not in {one["ProgramId"] for one in await _programs(visit)}:
        raise Refusal(404, "Not found", f"there is no program {program}", {})
    answer = go(f"{HOME}/integrations")
    keep(answer, visit.request, visit.seal, replace(visit.session, program=program))
    return answer


async def _programs(visit: Visit) -> list[Facts]:
    page = await visit.api.get("/api/programs", limit=LARGEST_PAGE)
    return list(page["items"])


OPEN = (("/sign-in", ["GET"], show_form), ("/sign-in", ["POST"], sign_in))
"""What can be asked without a session."""
PAGES: Pages = (
    ("", ["GET"], home),
    ("/sign-out", ["POST"], sign_out),
    ("/programs", ["GET"], choose),
    ("/programs", ["POST"], chosen),
)
