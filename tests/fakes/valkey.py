"""A real Valkey server for tests, on a temporary folder; fsync is off, for speed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import redis

from config.valkey import EmbeddedValkey


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Start one server for the whole session; its address. Others may have left keys in it."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"), fsync=False)
    await server.start()
    yield server.url
    await server.stop()


@pytest.fixture
def empty_valkey_url(valkey_url: str) -> str:
    """Empty the session's server; its address."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url
