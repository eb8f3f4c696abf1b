"""The LearningBuilder at /API/WorkflowImportQueue: takes batches of rows, and shows them."""

import secrets
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from config.sandbox.body import read_body
from config.sandbox.errors import RefusedBatch
from config.sandbox.imports import LARGEST_BATCH
from config.sandbox.line import line_of
from config.sandbox.obey import as_json, obey
from config.sandbox.state import Sandbox


async def create_batch(request: Request) -> Response:
    """Take a batch, behind the switch."""
    sandbox: Sandbox = request.app.state.sandbox
    at = sandbox.clock()
    sandbox.imports.attempts += 1
    attempt = sandbox.imports.attempts
    body = await read_body(request, LARGEST_BATCH)
    work = partial(_work, sandbox, request, body, attempt)
    response = await obey(sandbox.batches.draw(), line_of(request.scope), work)
    rows = 0 if body is None else body.count(b"\n") + 1
    sandbox.log.note(request, response, at=at, endpoint="batches", count=rows)
    return response


async def batches(request: Request) -> Response:
    """Answer the batches, newest first, without their rows."""
    sandbox: Sandbox = request.app.state.sandbox
    return as_json([batch.spoken() for batch in sandbox.imports.batches()])


async def batch(request: Request) -> Response:
    """Answer one batch, with its rows."""
    sandbox: Sandbox = request.app.state.sandbox
    found = sandbox.imports.find(request.path_params["batch_id"])
    if found is None:
        return as_json({"error": "there is no such batch, or it is forgotten"}, 404)
    return as_json({**found.spoken(), "content": found.lines()})


def _work(sandbox: Sandbox, request: Request, body: bytes | None, attempt: int) -> Response:
    try:
        _prove(sandbox, request)
        query = dict(request.query_params)
        taken = sandbox.imports.take(query, _bounded(body), attempt=attempt)
    except RefusedBatch as no:
        return as_json({"error": no.reason}, no.status)
    home = str(request.base_url).rstrip("/")
    details = f"{home}/batches/{taken.id}"
    return as_json({"queueBatchId": taken.id, "queueBatchDetails": details})


def _bounded(body: bytes | None) -> bytes:
    if body is None:
        raise RefusedBatch(413, f"more than {LARGEST_BATCH} bytes")
    return body


def _prove(sandbox: Sandbox, request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    known = sandbox.imports.api_key
    if scheme.lower() != "apikey" or not secrets.compare_digest(key.encode(), known.encode()):
        raise RefusedBatch(401, "send Authorization: apikey KEY, with the key of this sandbox")
