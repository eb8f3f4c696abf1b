"""Room in Redis for draining: intake stops while there is still memory to work with.

A Redis that is quite full refuses the drains' own small writes too, and the rings. It could then
never empty itself.
"""

from collections.abc import Callable

from delivery.facts.errors import StoreFull
from delivery.stores.store import Store

KEPT_FREE = 0.1
"""The part of `maxmemory` that intake leaves to the drains."""
DISK_KEPT_FREE = 256 * 1024 * 1024
"""Bytes of the disk that intake leaves to them, where the disk is this machine's."""


class Headroom:
    """Knows whether Redis may still take statements, as of the last look."""

    def __init__(self, store: Store, free_disk: Callable[[], int] | None = None) -> None:
        self._store = store
        self._free_disk = free_disk
        self._short: str | None = None

    async def look(self) -> None:
        """Ask how much memory and disk Redis has left. Raises StoreUnavailable."""
        (memory,) = await self._store.ask(("INFO", "memory"))
        limit = int(memory.get("maxmemory", 0))
        used = int(memory.get("used_memory", 0))
        if limit > 0 and used > limit * (1 - KEPT_FREE):
            self._short = "memory"
        elif self._free_disk is not None and self._free_disk() < DISK_KEPT_FREE:
            self._short = "room on its disk"
        else:
            self._short = None

    def check(self) -> None:
        """Raise StoreFull if what is left belongs to the drains."""
        if self._short:
            raise StoreFull(f"Redis has hardly any {self._short} left; what waits is sent first")
