"""Sealing the secrets that Redis keeps anew, with the newest key."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from delivery.facts.integration import IntegrationId
from delivery.stores import scripts
from delivery.stores.keys import INTEGRATIONS, Keys
from delivery.stores.store import Store
from delivery.tokens.sealed import Sealer

AT_ONCE = 200


class Resealer(Sealer, Protocol):
    """A sealer that knows which of its keys is the newest."""

    def is_current(self, sealed: str) -> bool:
        """Say whether this was sealed with the newest key."""
        ...


class Resealing:
    """Counts and reseals access tokens, and refresh tokens that SQL could not take yet."""

    def __init__(self, store: Store, sealer: Resealer) -> None:
        self._store = store
        self._sealer = sealer

    async def survey(self) -> Mapping[str, int]:
        """Count the secrets by the id of their key. Raises StoreUnavailable."""
        return Counter([sealed.split(".")[1] async for _, sealed in self._each()])

    async def reseal(self) -> int:
        """Seal anew what is not sealed with the newest key; give how many that were.

        Raises StoreUnavailable, and what the sealer raises for a key that is not given.
        """
        made = 0
        async for key, sealed in self._each():
            if not self._sealer.is_current(sealed):
                anew = self._sealer.seal(self._sealer.open(sealed, row=key), row=key)
                done = await self._store.run(scripts.RESEAL, [key], sealed, anew)
                made += done if isinstance(done, int) else 0
        return made

    async def _each(self) -> AsyncIterator[tuple[str, str]]:
        (known,) = await self._store.ask(("SMEMBERS", INTEGRATIONS))
        ids = [Keys(IntegrationId(one.decode())) for one in known]
        names = [name for keys in ids for name in (keys.token, keys.rotated)]
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            (found,) = await self._store.ask(("MGET", *some))
            for name, sealed in zip(some, found, strict=True):
                if sealed is not None:
                    yield name, sealed.decode()
