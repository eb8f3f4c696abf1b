"""Somebody with a browser, without one: cookies are kept, forms are sent as a page has them."""

import re
from base64 import b64decode
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from hub.portal.app import add_portal
from tests.hub.api.conftest import *  # noqa: F403  the application that the portal is put before
from tests.hub.api.conftest import Hub, Seed

INPUT = re.compile(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"')
SECRET = b"p" * 32


class Browser:
    """Asks for pages, and sends their forms."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.answer = httpx.Response(0)

    @property
    def text(self) -> str:
        """What the page says, without its tags."""
        words = unescape(re.sub(r"<[^>]+>", " ", self.answer.text))
        return " ".join(words.split())

    async def go(self, path: str, **query: str) -> httpx.Response:
        """Ask for a page, and follow where it leads."""
        self.answer = await self.client.get(path, params=query or None, follow_redirects=True)
        return self.answer

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the page that is shown, with its token."""
        held = dict(INPUT.findall(self.answer.text))
        form = {"csrf": held.get("csrf", ""), **fields}
        self.answer = await self.client.post(path, data=form, follow_redirects=True)
        return self.answer

    async def sign_in(self, key: str, **fields: str) -> httpx.Response:
        """Sign in with a key."""
        await self.go("/portal/sign-in")
        return await self.send("/portal/sign-in", apiKey=key, **fields)


@pytest.fixture
async def app(hub: Hub) -> Any:  # noqa: ANN401  the application
    app = hub.system._transport.app  # type: ignore[attr-defined]  # noqa: SLF001  the same one

    async def secret() -> bytes:
        return SECRET

    add_portal(app, secret)
    return app


@pytest.fixture
async def browser(app: Any) -> AsyncIterator[Browser]:  # noqa: ANN401
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield Browser(client)


@pytest.fixture
def keys(seed: Seed) -> dict[str, str]:
    """Give the keys of the seed by their user."""
    asked = httpx.Request("GET", "http://hub")
    shown = [next(auth.auth_flow(asked)).headers["authorization"] for auth in seed.auths if auth]
    pairs = [b64decode(one.removeprefix("Basic ")).decode().partition(":") for one in shown]
    return {user: key for user, _, key in pairs}
