"""The HTTP API, asked from within the process by whoever has signed in.

The pages know nothing that the API does not tell them, and may do nothing that it refuses: what a
key may see is decided in one place.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope

from hub.api.access import INSIDE
from hub.registry.parties.caller import Caller

Facts = dict[str, Any]
TAKEN = 202
"""What the API answers to what it did not know; to what it knows, 200."""
OF_A_FILE = (
    *("content-type", "content-disposition", "content-length"),
    *("content-security-policy", "x-content-type-options", "cache-control"),
)
NO_FLAWS: Mapping[str, str] = {}


class Refusal(Exception):
    """What the API refuses, in its own words; `errors` by the name of their field.

    `flaws` are the same by their JSON pointers; `facts` are all that was answered.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Mapping[str, str],
        flaws: Mapping[str, str] = NO_FLAWS,
        facts: Mapping[str, Any] = NO_FLAWS,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.flaws = flaws
        self.facts = facts

    def below(self, member: str) -> dict[str, str]:
        """Give the errors of the fields of one member, such as `integration`."""
        start = f"/{member}/"
        return {
            _field(pointer.removeprefix(start)): told
            for pointer, told in self.flaws.items()
            if pointer.startswith(start)
        }


class Api:
    """Asks the API as a caller."""

    def __init__(self, app: ASGIApp, caller: Caller) -> None:
        self._app = app
        self.caller = caller

    async def get(self, path: str, **query: object) -> Facts:
        """Ask for something. Raises Refusal."""
        return await self._ask("GET", path, query, None)

    async def get_all(self, path: str, **query: object) -> Sequence[Facts]:
        """Ask for what is answered as an array. Raises Refusal."""
        found: object = await self._ask("GET", path, query, None)
        return found if isinstance(found, list) else []

    async def post(self, path: str, form: object = None, **query: object) -> Facts:
        """Have something done. Raises Refusal."""
        return await self._ask("POST", path, query, form)

    async def patch(self, path: str, form: object, *, if_match: str = "") -> Facts:
        """Change something; with `if_match`, only what still has that ETag. Raises Refusal."""
        return await self._ask("PATCH", path, {}, form, if_match=if_match)

    async def put(self, path: str, form: object) -> Facts:
        """Put something in its place. Raises Refusal."""
        return await self._ask("PUT", path, {}, form)

    async def delete(self, path: str, **query: object) -> None:
        """Take something away. Raises Refusal."""
        await self._ask("DELETE", path, query, None)

    async def hand_on(self, path: str, request: Request) -> tuple[Facts, bool]:
        """Hand the body of a request on, as it comes in; and say whether it is new there.

        Raises Refusal.
        """
        kind = request.headers.get("content-type", "").encode()
        length = request.headers.get("content-length", "").encode()
        headers = [(b"content-type", kind)] + ([(b"content-length", length)] if length else [])
        status, answer = await self._call("POST", path, "", headers, request.receive)
        return _read(status, answer), status == TAKEN

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        form: object,
        *,
        if_match: str = "",
    ) -> Facts:
        body = b"" if form is None else msgspec.json.encode(form)
        said = {name: _text(value) for name, value in query.items() if value not in (None, "")}
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *([(b"if-match", if_match.encode())] if if_match else []),
        ]
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        return _read(*await self._call(method, path, urlencode(said), headers, receive))

    async def _call(
        self,
        method: str,
        path: str,
        query: str,
        headers: list[tuple[bytes, bytes]],
        receive: Receive,
    ) -> tuple[int, bytes]:
        parts: list[Message] = []

        async def send(part: Message) -> None:
            parts.append(part)

        await self._app(self._scope(method, path, query, headers), receive, send)
        return parts[0]["status"], b"".join(part.get("body", b"") for part in parts[1:])

    async def file(self, path: str) -> Response:
        """Ask for a file of any length, and hand it on as it comes. Raises Refusal."""
        parts: asyncio.Queue[Message] = asyncio.Queue(1)
        scope = self._scope("GET", path, "", [])
        answering = asyncio.create_task(self._answer(scope, parts))
        start = await _part(parts, answering)
        body = _bodies(parts, answering)
        if start["status"] >= 400:
            _read(start["status"], b"".join([part async for part in body]))
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        kept = {name: told[name] for name in OF_A_FILE if name in told}
        return StreamingResponse(body, headers=kept)

    async def _answer(self, scope: Scope, parts: asyncio.Queue[Message]) -> None:
        await self._app(scope, _nothing_more(), parts.put)

    def _scope(
        self, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]]
    ) -> Scope:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"inside"), *headers],
            "server": ("inside", 80),
            "client": ("inside", 0),
            INSIDE: self.caller,
        }


class CutShort(Exception):
    """An answer ended before it was whole."""


def _nothing_more() -> Receive:
    asked: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if asked:
            return asked.pop()
        # Whoever asks from within goes away by cancelling, and never by a message.
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return receive


async def _part(parts: asyncio.Queue[Message], answering: asyncio.Task[None]) -> Message:
    getting = asyncio.create_task(parts.get())
    waited_for: set[asyncio.Task[Any]] = {getting, answering}
    await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
    if not getting.done() and parts.empty():
        getting.cancel()
        await answering
        raise CutShort("the answer has no end")
    return await getting


async def _bodies(
    parts: asyncio.Queue[Message], answering: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    try:
        more = True
        while more:
            part = await _part(parts, answering)
            yield part.get("body", b"")
            more = part.get("more_body", False)
        await answering
    finally:
        answering.cancel()


def _read(status: int, content: bytes) -> Facts:
    found: Facts = msgspec.json.decode(content) if content else {}
    if status < 400:
        return found
    flaws = {one["pointer"]: one["detail"] for one in found.get("errors", [])}
    errors = {_field(pointer): told for pointer, told in flaws.items()}
    raise Refusal(status, found.get("title", ""), found.get("detail", ""), errors, flaws, found)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field(pointer: str) -> str:
    return pointer.lstrip("/").partition("/")[0]
