"""What every request meets first: its size is bounded, it gets an id, and no bug leaves a trace.

A plain ASGI middleware, around the whole application and inside nothing of ours.
"""

import re
from collections.abc import MutableMapping
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from delivery.wire import tracing
from hub.api.errors import BodyTooLarge
from hub.api.facts import noted
from hub.api.problems import problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
XAPI = "/xapi/"
UPLOADS = re.compile(r"/(api|portal)/sources/[^/]+/files")
"""Files are streamed, so that they may be larger than what is held in memory."""
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: not worth a line."""

log = structlog.get_logger()


class Door:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, max_file_bytes: int) -> None:
        self._app = app
        self._bound = max_body_bytes
        self._file_bound = max_file_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope.setdefault("state", {})
        answer = _Answer(send, scope, _request_id(headers), xapi_version(headers))
        bound = self._file_bound if UPLOADS.fullmatch(scope["path"]) else self._bound
        if _length(headers) > bound:
            await answer.refuse(scope, receive, 413, str(BodyTooLarge(bound)))
            return
        began = monotonic()
        try:
            with tracing.following(headers.get(tracing.HEADER, "")):
                await self._app(scope, _bounded(receive, bound), answer.send)
                _tell(scope, answer, monotonic() - began)
        except BodyTooLarge as error:
            await answer.refuse(scope, receive, 413, str(error))
        except ClientDisconnect:
            log.info("request.abandoned", request_id=answer.request_id, path=scope["path"])
        except Exception:
            log.exception("request.failed", request_id=answer.request_id, path=scope["path"])
            if answer.begun:
                raise
            await answer.refuse(scope, receive, 500, _apology(answer.request_id))


def _bounded(receive: Receive, bound: int) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        part = await receive()
        taken += len(part.get("body", b""))
        if taken > bound:
            raise BodyTooLarge(bound)
        return part

    return bounded


class _Answer:
    """The answer to one request, and what every answer carries."""

    def __init__(self, send: Send, scope: Scope, request_id: str, version: str) -> None:
        self._send = send
        self._state = scope["state"]
        self._xapi_version = version if scope["path"].startswith(XAPI) else None
        self.request_id = request_id
        self.begun = False
        self.status = 0

    async def send(self, part: MutableMapping[str, Any]) -> None:
        if part["type"] == "http.response.start":
            self.begun = True
            self.status = part["status"]
            headers = MutableHeaders(scope=part)
            headers["X-Request-Id"] = self.request_id
            if self._xapi_version is not None:
                headers["X-Experience-API-Version"] = self._xapi_version
            if ends_at := self._state.get("key_ends_at"):
                headers["X-API-Key-Expires"] = ends_at.isoformat().replace("+00:00", "Z")
        await self._send(part)

    async def refuse(self, scope: Scope, receive: Receive, status: int, detail: str) -> None:
        await problem(status, detail)(scope, receive, self.send)


def _tell(scope: Scope, answer: _Answer, seconds: float) -> None:
    tell = log.debug if scope["path"] in QUIET else log.info
    tell(
        "request.answered",
        method=scope["method"],
        route=_pattern(scope),
        status=answer.status,
        milliseconds=round(seconds * 1000, 1),
        request_id=answer.request_id,
        **noted(scope),
    )


def _pattern(scope: Scope) -> str | None:
    """Give the path with names for what differs: lines of one route belong together."""
    if "endpoint" not in scope:
        return None
    found = str(scope["path"])
    for name, value in scope.get("path_params", {}).items():
        found = found.replace(str(value), f"{{{name}}}")
    return found


def xapi_version(headers: Headers) -> str:
    """Say which version an answer speaks: the one that was spoken to us."""
    return "2.0.0" if headers.get("x-experience-api-version", "").startswith("2.") else "1.0.3"


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex


def _length(headers: Headers) -> int:
    written = headers.get("content-length", "")
    return int(written) if written.isascii() and written.isdigit() else 0


def _apology(request_id: str) -> str:
    return f"something is wrong on our side; tell us this id: {request_id}"
