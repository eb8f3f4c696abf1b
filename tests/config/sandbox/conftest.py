"""A fresh sandbox for every test, and a caller that has signed in."""

from collections.abc import AsyncIterator

import httpx
import pytest

from config.sandbox.app import build
from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import Caller
from tests.config.sandbox.clock import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def sandbox(clock: StillClock) -> Sandbox:
    return Sandbox(clock)


@pytest.fixture
async def stranger(sandbox: Sandbox) -> AsyncIterator[Caller]:
    """Make a caller without a token."""
    transport = httpx.ASGITransport(app=build(sandbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        yield Caller(http)


@pytest.fixture
async def caller(stranger: Caller) -> Caller:
    await stranger.sign_in()
    return stranger
