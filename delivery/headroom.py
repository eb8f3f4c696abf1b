"""Room in Redis for draining: intake stops while there is still memory to work with.

A Redis that is quite full refuses the drains' own small writes too, and the rings. It could then
never empty itself.
"""

from delivery.errors import StoreFull
from delivery.store import Store

KEPT_FREE = 0.1
"""The part of `maxmemory` that intake leaves to the drains."""


class Headroom:
    """Knows whether Redis may still take statements, as of the last look."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._short = False

    async def look(self) -> None:
        """Ask Redis how much memory it has left. Raises StoreUnavailable."""
        (memory,) = await self._store.ask(("INFO", "memory"))
        limit = int(memory.get("maxmemory", 0))
        used = int(memory.get("used_memory", 0))
        self._short = limit > 0 and used > limit * (1 - KEPT_FREE)

    def check(self) -> None:
        """Raise StoreFull if what is left belongs to the drains."""
        if self._short:
            raise StoreFull("Redis has hardly any memory left; what waits is delivered first")
