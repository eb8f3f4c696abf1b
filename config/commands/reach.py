"""The hub, as commands that look and steer see it: its HTTP API, near or far.

Near is this machine: the same application that `hub web` serves, called within the command's own
process, so that it works while no web process runs. Far is another hub, by `--url` and `--api-key`.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeVar

import httpx
from pydantic import JsonValue, TypeAdapter

from config.errors import HubAway, HubRefused
from config.settings import Settings
from hub.registry.parties.caller import Caller

SECONDS, LONG_SECONDS = 60.0, 3600.0
NEAR = "http://near"
LARGEST_PAGE = 500
WHOM = Caller(key_id="this machine", user_id="command line", system=True, rights={})

OpenWeb = Callable[[Settings], AbstractAsyncContextManager[Any]]
Facts = dict[str, JsonValue]
Query = Mapping[str, str | int | None]
ANSWER = TypeAdapter[Facts](Facts)
T = TypeVar("T")


class Hub:
    """Asks a hub, and turns its problems into one line each."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, query: Query | None = None) -> Facts:
        """Ask for one thing. Raises HubRefused, HubAway."""
        return await self._ask("GET", path, query=query)

    async def post(
        self, path: str, form: Mapping[str, object] | None = None, query: Query | None = None
    ) -> Facts:
        """Have something done. Raises HubRefused, HubAway."""
        return await self._ask("POST", path, form=form, query=query)

    async def upload(self, path: str, parts: AsyncIterable[bytes], query: Query) -> Facts:
        """Send a file, part by part. Raises HubRefused, HubAway."""
        answer = await self._send("POST", path, query=query, content=parts)
        if answer.is_success:
            return ANSWER.validate_json(answer.content)
        raise HubRefused(_words(answer))

    async def patch(self, path: str, form: Mapping[str, object]) -> Facts:
        """Change something. Raises HubRefused, HubAway."""
        return await self._ask("PATCH", path, form=form)

    async def delete(self, path: str) -> None:
        """Take something away. Raises HubRefused, HubAway."""
        await self._ask("DELETE", path)

    async def readiness(self) -> Facts:
        """Ask what is missing and what is warned of; 503 is an answer like another here."""
        answer = await self._send("GET", "/readyz")
        try:
            return ANSWER.validate_json(answer.content)
        except ValueError:
            raise HubRefused(_words(answer)) from None

    async def each(
        self, path: str, query: Query | None = None, *, most: int | None = None
    ) -> AsyncIterator[Facts]:
        """Give everything on a list, page by page, or so much of it."""
        given, cursor = 0, None
        while most is None or given < most:
            limit = LARGEST_PAGE if most is None else min(LARGEST_PAGE, most - given)
            page = await self.get(path, {**(query or {}), "limit": limit, "cursor": cursor})
            for one in page["items"] if isinstance(page["items"], list) else []:
                if isinstance(one, dict):
                    given += 1
                    yield one
            following = page["next"]
            if following is None:
                return
            cursor = str(following)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        form: Mapping[str, object] | None = None,
    ) -> Facts:
        answer = await self._send(method, path, query=query, form=form)
        if answer.is_success:
            return ANSWER.validate_json(answer.content) if answer.content else {}
        raise HubRefused(_words(answer))

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        form: Mapping[str, object] | None = None,
        content: AsyncIterable[bytes] | None = None,
    ) -> httpx.Response:
        said = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            return await self._client.request(method, path, params=said, json=form, content=content)
        except httpx.HTTPError as error:
            where = str(self._client.base_url).rstrip("/")
            raise HubAway(
                f"{where} does not answer: {str(error) or type(error).__name__}"
            ) from error


@asynccontextmanager
async def reach(settings: Settings) -> AsyncIterator[Hub]:
    """Open the way to the hub that the settings name, or to the one of this machine."""
    if settings.url is not None:
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        async with httpx.AsyncClient(
            base_url=settings.url, headers=headers, timeout=SECONDS
        ) as client:
            yield Hub(client)
        return
    # Loaded here alone: a far hub, and --help, need no web framework and no database.
    open_web: OpenWeb = import_module("config.web_house").open_web
    async with open_web(settings) as app:
        app.state.house = replace(app.state.house, trusted=WHOM)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url=NEAR, timeout=LONG_SECONDS
        ) as client:
            yield Hub(client)


def _words(answer: httpx.Response) -> str:
    try:
        told = ANSWER.validate_json(answer.content)
    except ValueError:
        return f"HTTP {answer.status_code} without an explanation: is that a hub?"
    flaws = told.get("errors")
    detail = str(told.get("detail") or told.get("title") or f"HTTP {answer.status_code}")
    if not isinstance(flaws, list) or not flaws:
        return detail
    lines = [f"  {f['pointer']} {f['detail']}" for f in flaws if isinstance(f, dict)]
    return "\n".join([detail, *lines])
