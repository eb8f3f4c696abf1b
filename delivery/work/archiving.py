"""Once a minute, some worker packs what has ended and forgets what is too old.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:packing` | string | who does so this minute | EVERY |
"""

from dataclasses import dataclass
from datetime import timedelta

from delivery.facts.integration import IntegrationId
from delivery.facts.times import length_ms
from delivery.stores.archive import Archive
from delivery.stores.keys import INTEGRATIONS, PACKING
from delivery.stores.store import Store

EVERY = timedelta(minutes=1)
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Archiving:
    """Keeps the archives small. Two at once do no harm, only work."""

    store: Store
    archive: Archive
    name: str
    """The name of this process, unlike any other's."""

    async def run(self) -> int:
        """Tidy all archives, if it is this process' turn; give how many blocks were made."""
        mine, known = await self.store.ask(
            ("SET", PACKING, self.name, "NX", "PX", length_ms(EVERY)),
            ("SMEMBERS", INTEGRATIONS),
        )
        if not mine:
            return 0
        ids = sorted(IntegrationId(one.decode()) for one in known)
        made = 0
        for start in range(0, len(ids), AT_ONCE):
            made += await self.archive.tidy(ids[start : start + AT_ONCE])
        return made
