"""The LRS at /xapi, as xAPI 1.0.3 Part Three has it."""

import re
from collections.abc import Callable
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.sandbox.body import read_body
from config.sandbox.errors import RefusedRequest
from config.sandbox.incoming import Incoming, peek, read
from config.sandbox.line import line_of
from config.sandbox.lrs import LARGEST_BODY, as_read
from config.sandbox.moments import written
from config.sandbox.obey import as_json, obey
from config.sandbox.query import Query, select
from config.sandbox.state import Sandbox

VERSION = "X-Experience-API-Version"
CONSISTENT = "X-Experience-API-Consistent-Through"
VERSIONS = ("1.0.3", "2.0.0")

_VERSION = re.compile(r"(1\.0(\.\d+)?)|(2\.0(\.\d+)?)")

Answering = Callable[[Sandbox, Request, bytes, str], Response]


async def statements(request: Request) -> Response:
    """POST, PUT and GET of statements, behind the switch."""
    sandbox: Sandbox = request.app.state.sandbox
    at = sandbox.clock()
    if request.method in {"POST", "PUT"}:
        sandbox.lrs.attempts += 1
    body = await read_body(request, max(LARGEST_BODY, sandbox.lrs.body_limit))
    ids, count = peek(body) if body else ((), 0)
    switch = sandbox.statements.draw(ids)
    response = await obey(switch, line_of(request.scope), partial(_work, sandbox, request, body))
    response.headers[VERSION] = _version_answered(request)
    sandbox.log.note(request, response, at=at, endpoint="statements", ids=ids, count=count)
    return response


async def about(request: Request) -> Response:
    """Which versions are spoken; asks for no credentials and no version."""
    return as_json({"version": list(VERSIONS)}, headers={VERSION: _version_answered(request)})


def nothing_here(request: Request, status: int) -> Response:
    """Say that the LRS of the sandbox has no such resource, or not this method for it."""
    reason = f"the sandbox does not offer {request.method} {request.url.path}"
    return as_json({"error": reason}, status, {VERSION: _version_answered(request)})


def _work(sandbox: Sandbox, request: Request, body: bytes | None) -> Response:
    try:
        whole = _bounded(body, sandbox.lrs.body_limit)
        _check_version(request)
        client = _client(sandbox, request)
        return _METHODS[request.method](sandbox, request, whole, client)
    except RefusedRequest as no:
        return _refused(no)


def _post(sandbox: Sandbox, request: Request, body: bytes, client: str) -> Response:
    Query.of(request, allowed=())
    _check_type(request)
    taken = read(body, lenient=sandbox.lrs.lenient)
    return as_json(sandbox.lrs.take(taken, at=sandbox.clock(), client=client))


def _put(sandbox: Sandbox, request: Request, body: bytes, client: str) -> Response:
    query = Query.of(request, allowed=("statementId",))
    _check_type(request)
    statement = _only_one(read(body, lenient=sandbox.lrs.lenient))
    if query.statement_id is None:
        raise RefusedRequest(400, "the query lacks statementId")
    if peek(body)[0] and statement.id != query.statement_id:
        raise RefusedRequest(400, "the statement's id differs from statementId")
    named = Incoming(query.statement_id, statement.body)
    sandbox.lrs.take([named], at=sandbox.clock(), client=client)
    return Response(status_code=204)


def _get(sandbox: Sandbox, request: Request, _body: bytes, _client: str) -> Response:
    query = Query.of(request, allowed=Query.READING)
    headers = {CONSISTENT: written(sandbox.clock())}
    if query.statement_id is not None:
        held = sandbox.lrs.find(query.statement_id)
        if held is None:
            raise RefusedRequest(404, f"no statement {query.statement_id}")
        return Response(as_read(held), headers=headers, media_type="application/json")
    found, more = select(sandbox.lrs.kept(), query)
    page = [msgspec.Raw(as_read(held)) for held in found]
    return as_json({"statements": page, "more": more}, headers=headers)


_METHODS: dict[str, Answering] = {"POST": _post, "PUT": _put, "GET": _get, "HEAD": _get}


def _only_one(statements: list[Incoming]) -> Incoming:
    if len(statements) != 1:
        raise RefusedRequest(400, "PUT takes one statement")
    return statements[0]


def _bounded(body: bytes | None, limit: int) -> bytes:
    if body is None or len(body) > limit:
        raise RefusedRequest(413, f"more than {limit} bytes")
    return body


def _check_version(request: Request) -> None:
    version = request.headers.get(VERSION)
    if version is None:
        raise RefusedRequest(400, f"the header {VERSION} is missing")
    if not _VERSION.fullmatch(version):
        raise RefusedRequest(400, f"{VERSION} {version!r} is neither 1.0.x nor 2.0.x")


def _version_answered(request: Request) -> str:
    return VERSIONS[1] if request.headers.get(VERSION, "").startswith("2.0") else VERSIONS[0]


def _check_type(request: Request) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise RefusedRequest(400, f"Content-Type {content_type!r} is not application/json")


def _client(sandbox: Sandbox, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise RefusedRequest(401, "no Bearer token")
    client = sandbox.oauth.client_of(token.strip())
    if client is None:
        raise RefusedRequest(401, "the token is unknown, expired or revoked")
    return client


def _refused(no: RefusedRequest) -> Response:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if no.status == 401 else {}
    return as_json({"error": no.reason}, no.status, headers)
