"""The portal's routes, put in front of an application that serves the API."""

import re
from collections.abc import Awaitable, Callable
from importlib.resources import as_file

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from hub.portal.door.guesses import Guesses
from hub.portal.door.porter import Porter
from hub.portal.forms import Forged
from hub.portal.inside import Refusal
from hub.portal.pages import administration, integrations, learning, queues, sign_in, sources
from hub.portal.pages.page import Page, Pages
from hub.portal.rendering import STATIC, go, render
from hub.portal.visit import SignedOut, visit_of
from hub.portal.ways import IN_DIALOG, sign_in_for

ROOT = "/portal"
FORM = re.compile(r"/(add|edit|delete|purge|sure|replay|revoke)(/\{kind\})?$")
"""Pages that only lead to a change: not for whoever may not change anything."""


def add_portal(app: FastAPI, secret: Callable[[], Awaitable[bytes]]) -> None:
    """Serve `/portal`; its sessions are signed with what is made of `secret`."""
    app.state.porter = Porter(secret, Guesses(app.state.house.clock))
    with as_file(STATIC) as folder:
        app.mount(f"{ROOT}/static", StaticFiles(directory=folder), name="portal")
    for path, methods, handle in sign_in.OPEN:
        app.add_api_route(ROOT + path, _open(handle), methods=methods, include_in_schema=False)
    for path, methods, page in pages():
        answer = _signed_in(page, is_form=bool(FORM.search(path)))
        app.add_api_route(ROOT + path, answer, methods=methods, include_in_schema=False)


def pages() -> Pages:
    """Give every page that wants a session: where it is, how it is asked, and what it does."""
    areas = (sign_in, integrations, queues, sources, administration, learning)
    return [page for area in areas for page in area.PAGES]


def _open(handle: Callable[[Request], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await handle(request)

    return answer


def _signed_in(page: Page, *, is_form: bool) -> Callable[..., Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            visit = await visit_of(request)
        except SignedOut:
            to = sign_in_for(request)
            if "hx-request" in request.headers:
                # A part of a page cannot hold the sign-in form: the whole page goes there.
                return Response(status_code=204, headers={"HX-Redirect": to})
            if IN_DIALOG in request.headers:
                return Response(status_code=204, headers={"X-Go": to})
            return go(to)
        try:
            if is_form:
                visit.require_write()
            response = await page(visit)
        except Forged:
            words = "This form is not from a page of this session. Go back, load it anew, send it."
            return render("message.html", status=403, title="Not sent", words=words)
        except Refusal as refusal:
            response = visit.refused(refusal)
        visit.renew(response)
        return response

    return answer
