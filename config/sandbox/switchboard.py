"""The routes of the switches, and of what can be counted and looked up."""

from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.sandbox.body import read_body
from config.sandbox.control import read_json
from config.sandbox.errors import BadControl
from config.sandbox.form import read_form
from config.sandbox.obey import as_json
from config.sandbox.pages import page
from config.sandbox.state import Sandbox

LARGEST_CHANGE = 1024 * 1024
_FORM = "application/x-www-form-urlencoded"


async def control(request: Request) -> Response:
    """Show the switches, or turn them: by JSON, or by the forms of the page."""
    sandbox: Sandbox = request.app.state.sandbox
    if request.method != "POST":
        return as_json(sandbox.state())
    is_form = _content_type(request) == _FORM
    try:
        _turn(sandbox, request, await read_body(request, LARGEST_CHANGE), is_form=is_form)
    except BadControl as flaw:
        return _refused(request, str(flaw), is_form=is_form)
    if is_form:
        return RedirectResponse("/#switches", 303)
    return as_json(sandbox.state())


async def counts(request: Request) -> Response:
    """Answer the numbers, quickly."""
    return as_json(request.app.state.sandbox.counts())


async def ids(request: Request) -> Response:
    """Answer all ids, in the order in which they were first stored."""
    return as_json(request.app.state.sandbox.lrs.ids())


async def log(request: Request) -> Response:
    """Answer the latest requests, newest first."""
    sandbox: Sandbox = request.app.state.sandbox
    entries = sandbox.log.entries(request.query_params.get("endpoint"))
    limit = request.query_params.get("limit", "")
    if limit and not (limit.isascii() and limit.isdecimal()):
        return _problem(f"limit {limit!r} is not a whole number")
    return as_json(entries[: int(limit)] if limit else entries)


async def mails(request: Request) -> Response:
    """Answer the mails, newest first."""
    sandbox: Sandbox = request.app.state.sandbox
    return as_json([mail.spoken() for mail in sandbox.mailbox.mails()])


def _turn(sandbox: Sandbox, request: Request, body: bytes | None, *, is_form: bool) -> None:
    if body is None:
        raise BadControl(f"more than {LARGEST_CHANGE} bytes")
    if is_form:
        _refuse_foreign(request)
        sandbox.change(read_form(body), from_form=True)
        return
    if _content_type(request) != "application/json":
        raise BadControl("the Content-Type must be application/json, or that of a form")
    sandbox.change(read_json(body))


def _refuse_foreign(request: Request) -> None:
    # Any web page could make a browser post a form here.
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise BadControl("the form was sent from another site")


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refused(request: Request, sentence: str, *, is_form: bool) -> Response:
    if is_form:
        return page(request, "problem.html", status=400, sentence=sentence)
    return _problem(sentence)


def _problem(sentence: str) -> Response:
    words = {"title": "This cannot be done", "status": 400, "detail": sentence}
    return Response(msgspec.json.encode(words), 400, media_type="application/problem+json")
