"""Signing in with an API key, and signing out."""

from math import ceil
from secrets import token_urlsafe

from starlette.requests import Request
from starlette.responses import Response

from hub.api.house import house_of
from hub.portal.door.cookies import COOKIE, DOOR, hand_out, keep
from hub.portal.door.porter import porter_of
from hub.portal.door.sessions import Session
from hub.portal.forms import CSRF, form_of, read_form
from hub.portal.pages.page import Pages
from hub.portal.rendering import go, render
from hub.portal.visit import Visit
from hub.portal.ways import HOME, SIGN_IN, local

OURS = frozenset({"same-origin", "none"})
WRONG = "This key is not valid. It begins with lh_, and may have ended or been revoked."
FOREIGN = "This form is not from this page, or the browser keeps no cookies. Try once more."


async def show_form(request: Request) -> Response:
    """Ask for a key."""
    return await _ask(request, asked=request.query_params.get("next", ""))


async def sign_in(request: Request) -> Response:
    """Look at a key, and begin a session."""
    house, porter = house_of(request), porter_of(request)
    seal, form = await porter.seal(), await read_form(request)
    address = request.client.host if request.client else ""
    asked, user_id = form.get("next", ""), form.get("userId", "")
    # There is no session yet: the token is that of a cookie which came with the form, and browsers
    # say where a form comes from.
    is_ours = seal.is_door_token(request.cookies.get(DOOR, ""), form.get(CSRF, ""))
    if not is_ours or request.headers.get("sec-fetch-site", "none") not in OURS:
        return await _ask(request, 403, trouble=FOREIGN, user_id=user_id, asked=asked)
    if pause := porter.guesses.wait(address):
        seconds = ceil(pause.total_seconds())
        words = f"Too many keys were tried. Try again in {seconds} s."
        answer = await _ask(request, 429, trouble=words, user_id=user_id, asked=asked)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    caller = await house.keys.verify(user_id or None, form.get("apiKey", ""))
    porter.guesses.note(address, succeeded=caller is not None)
    if caller is None:
        return await _ask(request, 401, trouble=WRONG, user_id=user_id, asked=asked)
    now = house.clock()
    only = next(iter(caller.programs)) if len(caller.programs) == 1 and not caller.system else ""
    session = Session(caller.key_id, now, now, token_urlsafe(12), only)
    answer = go(local(asked) or HOME)
    keep(answer, request, seal, session)
    answer.delete_cookie(DOOR, path=HOME)
    return answer


async def _ask(
    request: Request, status: int = 200, *, trouble: str = "", user_id: str = "", asked: str = ""
) -> Response:
    seal = await porter_of(request).seal()
    door = request.cookies.get(DOOR, "")
    # Two tabs that ask for a key share the cookie, so that either form counts.
    held = door if seal.door_token(door) else seal.door()
    answer = render(
        "sign_in/form.html",
        status=status,
        trouble=trouble,
        user_id=user_id,
        csrf=seal.door_token(held),
        next=local(asked),
    )
    hand_out(answer, request, DOOR, held)
    return answer


async def sign_out(visit: Visit) -> Response:
    """End a session."""
    await form_of(visit)
    answer = go(SIGN_IN)
    answer.delete_cookie(COOKIE, path=HOME)
    return answer


OPEN = (("/sign-in", ["GET"], show_form), ("/sign-in", ["POST"], sign_in))
"""What can be asked without a session."""
PAGES: Pages = (("/sign-out", ["POST"], sign_out),)
