"""The roads of statements: our own, and the one that any xAPI client can be pointed at.

These are plain Starlette routes, the hottest of all; `openapi` describes them. From the answer on,
the statements will not be lost.
"""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement, StatementId
from delivery.intake import Taken
from hub.api.access import authenticate, require_write
from hub.api.errors import BadRequest, NotFound
from hub.api.facts import note, some
from hub.api.house import House, house_of
from hub.api.strict import require_json
from hub.errors import RegistryUnavailable
from hub.xapi.reading import read
from hub.xapi.rules import Rules
from hub.xapi.words import UUID

PATIENCE = timedelta(seconds=1.8)
"""How long SQL may take: an upstream that hears 503 soon can come again soon."""
LARGE = 64 * 1024
"""Bodies from this size on are read on a thread, so that small ones need not wait for them."""

SPEAKS = ("1.0.3", "2.0.0")
SPOKEN = re.compile(r"[12]\.0(\.\d+)?", re.ASCII)
STATEMENT_ID = re.compile(UUID)
NO_PARAMETERS: frozenset[str] = frozenset()


async def post_statements(request: Request) -> Response:
    """Take a statement or an array of them."""
    rules = await _rules(request)
    _, taken = await _take(request, rules)
    return _json(202, {"accepted": taken.accepted, "duplicates": taken.duplicates})


async def post_xapi_statements(request: Request) -> Response:
    """Take statements as an LRS does, and answer with their ids in order."""
    rules = await _rules(request)
    _refuse_parameters(request, allowed=NO_PARAMETERS)
    statements, _ = await _take(request, _spoken(request, rules))
    return _json(200, [statement.id for statement in statements])


async def put_xapi_statement(request: Request) -> Response:
    """Take one statement under the id that the address names."""
    rules = await _rules(request)
    _refuse_parameters(request, allowed=frozenset({"statementId"}))
    written = request.query_params.get("statementId", "")
    if not STATEMENT_ID.fullmatch(written):
        raise BadRequest("the query parameter statementId must be a UUID")
    await _take(request, _spoken(request, rules), StatementId(written.lower()))
    return Response(status_code=204)


async def get_xapi_about(request: Request) -> Response:
    """Say which versions of xAPI are spoken here."""
    await _rules(request, writing=False)
    return _json(200, {"version": SPEAKS})


ROUTES = (
    Route("/api/integrations/{integration_id}/statements", post_statements, methods=["POST"]),
    Route("/xapi/{integration_id}/statements", post_xapi_statements, methods=["POST"]),
    Route("/xapi/{integration_id}/statements", put_xapi_statement, methods=["PUT"]),
    Route("/xapi/{integration_id}/about", get_xapi_about, methods=["GET"]),
)


async def _rules(request: Request, *, writing: bool = True) -> Rules:
    integration_id = _integration_id(request)
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            caller = await authenticate(request)
            known = await house_of(request).known.find(integration_id)
    except TimeoutError as error:
        raise RegistryUnavailable("SQL did not answer in time") from error
    if known is None or not caller.may_read(known.program_id):
        raise NotFound(f"there is no integration {integration_id}")
    if writing:
        require_write(caller, known.program_id, f"integration {integration_id}")
    return known.rules


async def _take(
    request: Request, rules: Rules, statement_id: StatementId | None = None
) -> tuple[list[Statement], Taken]:
    house = house_of(request)
    require_json(request)
    body = await request.body()
    statements = await _read(body, rules, house, statement_id)
    taken = await house.taking.take_in(_integration_id(request), statements)
    note(
        request,
        integration=_integration_id(request),
        accepted=len(taken.accepted),
        duplicates=len(taken.duplicates),
        ids=some(taken.accepted),
    )
    return statements, taken


async def _read(
    body: bytes, rules: Rules, house: House, statement_id: StatementId | None
) -> list[Statement]:
    reading = partial(
        read,
        body,
        rules,
        now=house.clock(),
        max_batch=house.limits.max_batch,
        statement_id=statement_id,
    )
    return reading() if len(body) < LARGE else await asyncio.to_thread(reading)


def _spoken(request: Request, rules: Rules) -> Rules:
    version = request.headers.get("x-experience-api-version")
    if version is None:
        raise BadRequest("the header X-Experience-API-Version is missing")
    if not SPOKEN.fullmatch(version):
        raise BadRequest(f"X-Experience-API-Version must be 1.0.x or 2.0.x, not {version[:20]}")
    return replace(rules, xapi_version=version)


def _refuse_parameters(request: Request, *, allowed: frozenset[str]) -> None:
    unknown = request.query_params.keys() - allowed
    if unknown:
        raise BadRequest(f"the query parameter {min(unknown)[:50]} is not known here")


def _integration_id(request: Request) -> IntegrationId:
    return IntegrationId(request.path_params["integration_id"])


def _json(status: int, content: object) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
