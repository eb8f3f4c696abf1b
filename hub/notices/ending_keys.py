"""EndingKeys: the errand that warns of API keys a month before they end.

The contacts of every program that a key names are told, once; the header on the key's answers
tells its users. A key that names no program is told of by the header alone.
"""

from datetime import timedelta
from typing import Protocol

import structlog

from hub.registry.parties.caller import WARNED_BEFORE
from hub.registry.parties.keys import ApiKey, Keys
from hub.registry.parties.notices import NoticeKind
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLeases

LOOKING = timedelta(minutes=1)

log = structlog.get_logger()


class Notices(Protocol):
    """What the contacts of programs are to be told."""

    async def note(self, program_id: str, kind: NoticeKind, about: str, words: str) -> None: ...


class EndingKeys:
    """Looks for keys that end soon."""

    def __init__(
        self, keys: Keys, notices: Notices, leases: SqlLeases, clock: Clock, *, holder: str
    ) -> None:
        self._keys = keys
        self._notices = notices
        self._leases = leases
        self._clock = clock
        self._holder = holder

    async def look(self) -> None:
        """Warn of every key that ends within a month and was not warned of."""
        lease = await self._leases.take("ending keys", LOOKING, holder=self._holder)
        if lease is None:
            return
        for key in await self._keys.ending(before=self._clock() + WARNED_BEFORE):
            for program_id in key.rights:
                # Before it is marked: a crash may warn twice, but not never.
                await self._notices.note(program_id, NoticeKind.KEY, key.id, warning(key))
            await self._keys.mark_warned(key.id)
            log.info("key.warned", key=key.id, programs=sorted(key.rights))
        await self._leases.release(lease)


def warning(key: ApiKey) -> str:
    """Say that a key ends, when, and what to do."""
    ends = f"{key.expires_at:%Y-%m-%d at %H:%M} UTC"
    return (
        f"The API key {key.id} of {key.user_id} ends on {ends}, and its requests will be refused "
        "from then on. Ask for a new key and put it in its place; then have the old one revoked."
    )
