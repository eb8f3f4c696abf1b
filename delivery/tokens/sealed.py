"""Secrets in Redis: sealed on the way in, opened on the way out, bound to their key."""

from datetime import timedelta
from typing import Protocol

import redis.asyncio as aioredis
import structlog

from delivery.facts.errors import SealBroken
from delivery.facts.times import length_ms
from delivery.stores.store import translated

log = structlog.get_logger()


class Sealer(Protocol):
    """Encrypts, and binds what it encrypts to a row."""

    def seal(self, plain: str, *, row: str) -> str:
        """Encrypt."""
        ...

    def open(self, sealed: str, *, row: str) -> str:
        """Decrypt. Raises SealBroken."""
        ...


class Sealed:
    """Redis strings that nobody can read who only has Redis. All raise StoreUnavailable."""

    def __init__(self, redis: aioredis.Redis, sealer: Sealer) -> None:
        self._redis = redis
        self._sealer = sealer

    async def get(self, key: str) -> str | None:
        """Open what is kept; None if there is nothing, or nothing that can be opened."""
        with translated():
            sealed = await self._redis.get(key)
        if sealed is None:
            return None
        try:
            return self._sealer.open(_text(sealed), row=key)
        except SealBroken:
            log.warning("secret.unreadable", key=key)
            return None

    async def set(self, key: str, plain: str, *, lifetime: timedelta) -> None:
        """Keep a secret for so long."""
        sealed = self._sealer.seal(plain, row=key)
        with translated():
            await self._redis.set(key, sealed, px=max(length_ms(lifetime), 1))

    async def forget(self, key: str) -> None:
        """Delete what is kept."""
        with translated():
            await self._redis.delete(key)


def _text(sealed: str | bytes) -> str:
    return sealed if isinstance(sealed, str) else sealed.decode()
