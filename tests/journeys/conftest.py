"""A world for each journey."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.journeys.world import World, open_world


@pytest_asyncio.fixture
async def world(empty_valkey_url: str) -> AsyncIterator[World]:
    """Open a world on an empty Redis."""
    async with open_world(empty_valkey_url) as opened:
        yield opened
