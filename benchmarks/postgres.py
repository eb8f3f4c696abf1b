"""PostgreSQL for a measurement: syncs every commit, on a free port, gone afterwards."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_urlsafe

from tests.fakes.postgres import running_postgres


@contextmanager
def durable_postgres() -> Iterator[dict[str, str]]:
    """Run it; the settings of a hub that uses it."""
    with running_postgres(options=("max_connections=100",)) as server:
        yield {
            "HUB_DATABASE_URL": server.url(server.create()),
            "HUB_SECRET_KEYS": b64encode(token_urlsafe(32)[:32].encode()).decode(),
        }
