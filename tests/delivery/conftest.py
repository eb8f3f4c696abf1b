"""Redis for the stores: the same tests on a real Valkey and on its fake."""

from collections.abc import AsyncIterator

import fakeredis
import pytest
import pytest_asyncio
import redis.asyncio as aioredis

from delivery.stores.store import Store


@pytest.fixture(params=["valkey", "fake"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Give the real server's address, or None for the fake."""
    if request.param == "fake":
        return None
    url: str = request.getfixturevalue("empty_valkey_url")
    return url


@pytest_asyncio.fixture
async def store(store_url: str | None) -> AsyncIterator[Store]:
    """Open an empty store."""
    redis = aioredis.Redis.from_url(store_url) if store_url else fakeredis.FakeAsyncRedis()
    async with redis:
        yield Store(redis)
