"""The portal's routes, put in front of an application that serves the API."""

import re
from collections.abc import Awaitable, Callable
from importlib.resources import as_file

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from hub.api.house import house_of
from hub.portal.frame import (
    IN_DIALOG,
    STATIC,
    Forged,
    Porter,
    SignedOut,
    go,
    render,
    renew,
    sign_in_for,
    visit_of,
)
from hub.portal.inside import Refusal
from hub.portal.pages import (
    administration,
    attempts,
    audit,
    find,
    integration,
    integration_form,
    integrations,
    keys,
    parked,
    providers,
    queues,
    rehearsals,
    replays,
    sign_in,
    source_form,
    sources,
)
from hub.portal.pages.learning import (
    event_completions,
    events,
    program,
    subscriptions,
    syncs,
    template_editor,
)
from hub.portal.pages.page import Page, Pages
from hub.portal.sessions import Guesses

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
    # Routes are tried in order: /integrations/add is none of /integrations/{integration_id}.
    modules = (
        sign_in,
        integration_form,
        integrations,
        integration,
        rehearsals,
        queues,
        parked,
        attempts,
        find,
        replays,
        source_form,
        sources,
        audit,
        administration,
        providers,
        keys,
        program,
        events,
        event_completions,
        subscriptions,
        template_editor,
        syncs,
    )
    return [page for module in modules for page in module.PAGES]


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
        renew(response, visit, house_of(request))
        return response

    return answer
