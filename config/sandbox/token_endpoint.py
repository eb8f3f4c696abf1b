"""The token endpoint at /oauth/token, as RFC 6749 has it."""

import base64
import binascii
from functools import partial
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from config.sandbox.body import read_body
from config.sandbox.errors import RefusedGrant
from config.sandbox.line import line_of
from config.sandbox.obey import as_json, obey
from config.sandbox.state import Sandbox

LARGEST_FORM = 64 * 1024
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

Form = dict[str, str]


async def token(request: Request) -> Response:
    """Answer a request for a token, behind the switch."""
    sandbox: Sandbox = request.app.state.sandbox
    at = sandbox.clock()
    body = await read_body(request, LARGEST_FORM)
    work = partial(_work, sandbox, request, body)
    response = await obey(sandbox.token.draw(), line_of(request.scope), work)
    sandbox.log.note(request, response, at=at, endpoint="token")
    return response


def _work(sandbox: Sandbox, request: Request, body: bytes | None) -> Response:
    try:
        form = _form(request, body)
        client = sandbox.oauth.prove(*_credentials(request, form))
        return as_json(_grant(sandbox, client, form), headers=_NO_STORE)
    except RefusedGrant as no:
        return _refused(no)


def _grant(sandbox: Sandbox, client: str, form: Form) -> dict[str, object]:
    scope: dict[str, object] = {"scope": form["scope"]} if "scope" in form else {}
    match form.get("grant_type"):
        case "client_credentials":
            return {**sandbox.oauth.issue(client), **scope}
        case "refresh_token":
            return {**sandbox.oauth.rotate(client, _needed(form, "refresh_token")), **scope}
        case None:
            raise _invalid("grant_type is missing")
        case other:
            raise RefusedGrant(400, "unsupported_grant_type", f"no such grant: {other}")


def _form(request: Request, body: bytes | None) -> Form:
    if body is None:
        raise RefusedGrant(413, "invalid_request", f"more than {LARGEST_FORM} bytes")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise _invalid("the body must be application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as flaw:
        raise _invalid("the body is not UTF-8") from flaw
    form = dict(pairs)
    if len(form) < len(pairs):
        raise _invalid("a parameter is repeated")
    return form


def _credentials(request: Request, form: Form) -> tuple[str, str]:
    header = request.headers.get("authorization")
    if header is None:
        return _needed(form, "client_id"), _needed(form, "client_secret")
    if "client_secret" in form:
        raise _invalid("credentials in both header and body")
    return _basic(header)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise RefusedGrant(401, "invalid_client", "only Basic is understood")
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as flaw:
        raise RefusedGrant(401, "invalid_client", "the Basic credentials cannot be read") from flaw
    client_id, colon, client_secret = pair.partition(":")
    if not colon:
        raise RefusedGrant(401, "invalid_client", "the Basic credentials lack a colon")
    # RFC 6749, 2.3.1: both parts are form-urlencoded before they are joined.
    return unquote_plus(client_id), unquote_plus(client_secret)


def _needed(form: Form, name: str) -> str:
    if not form.get(name):
        raise _invalid(f"{name} is missing")
    return form[name]


def _invalid(description: str) -> RefusedGrant:
    return RefusedGrant(400, "invalid_request", description)


def _refused(no: RefusedGrant) -> Response:
    headers = dict(_NO_STORE)
    if no.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
    words = {"error": no.error, "error_description": no.description}
    return as_json(words, no.status, headers)
