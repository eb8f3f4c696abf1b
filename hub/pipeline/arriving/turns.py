"""Turns: sources that are asked on an interval, each by one worker at a time, and what came of it.

A turn is under a lease, and written down under it; whoever dies in the middle of one leaves the
source as it was, and another worker takes the turn when the lease has lapsed.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog
from pydantic import JsonValue

from hub.errors import LeaseLost, RegistryUnavailable, SealBroken, UnknownSecretKey
from hub.holding import while_held
from hub.pipeline.arriving.telling import Notices, complaint
from hub.registry.parties.notices import NoticeKind
from hub.registry.pipeline.sources import Progress, SourceKind, SourceRecord, Sources
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLease, SqlLeases

TTL = timedelta(seconds=30)
SEALED = timedelta(minutes=5)
"""When a source whose secrets cannot be opened is looked at again."""
STUMBLED = timedelta(minutes=5)
"""When a source is asked again that failed in a way nobody has thought of."""
MOST_TROUBLE = 1000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turn:
    """How a turn went: until where, for how long the source is left alone, what was in the way."""

    pause: timedelta
    trouble: str | None = None
    cursor: Mapping[str, JsonValue] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    """What there was, for the log."""


Ask = Callable[[SourceRecord, Mapping[str, str], SqlLease], Awaitable[Turn]]
"""Asks a source, of which the secrets are given; what it lands is landed under the lease."""


class Turns:
    """Gives sources their turns."""

    def __init__(
        self,
        sources: Sources,
        leases: SqlLeases,
        notices: Notices,
        clock: Clock,
        *,
        holder: str,
    ) -> None:
        self._sources = sources
        self._leases = leases
        self._notices = notices
        self._clock = clock
        self._holder = holder

    async def run(self, kind: SourceKind, ask: Ask) -> None:
        """Ask all of a kind whose time has come. Raises RegistryUnavailable."""
        for source in await self._sources.due([kind]):
            lease = await self._leases.take(f"source/{source.id}", TTL, holder=self._holder)
            if lease is None:
                continue
            try:
                await while_held(self._leases, lease, TTL, self._turn(source.id, ask, lease))
            except LeaseLost:
                log.warning("turn.lost", source=source.id, kind=kind.value)
                continue
            await self._leases.release(lease)

    async def _turn(self, source_id: str, ask: Ask, lease: SqlLease) -> None:
        # Read again: another may have asked it between our look and our lease.
        source = await self._sources.find(source_id)
        if source is None or source.next_at is None or source.next_at > self._clock():
            return
        try:
            secrets = await self._sources.secrets(source_id)
        except (SealBroken, UnknownSecretKey) as error:
            # Or it would be the first that is due for ever, and no other would be asked.
            cursor = await self._sources.cursor(source_id)
            turn = Turn(SEALED, f"its secrets cannot be opened: {error}", cursor)
        else:
            turn = await self._guarded(ask, source, secrets, lease)
        if turn.trouble is not None:
            turn = replace(turn, trouble=_storable(turn.trouble))
        await self._close(source, turn, lease)

    async def _guarded(
        self, ask: Ask, source: SourceRecord, secrets: Mapping[str, str], lease: SqlLease
    ) -> Turn:
        """Ask; what nobody has thought of is the trouble of this source, and of no other."""
        try:
            return await ask(source, secrets, lease)
        except (LeaseLost, RegistryUnavailable):
            raise
        except Exception as error:
            log.exception("turn.failed", source=source.id, kind=source.kind.value)
            words = f"failed unexpectedly: {type(error).__name__}: {error}"
            return Turn(STUMBLED, words, await self._sources.cursor(source.id))

    async def _close(self, source: SourceRecord, turn: Turn, lease: SqlLease) -> None:
        progress = Progress(turn.cursor, self._clock() + turn.pause, turn.trouble)
        await self._sources.note_progress(lease, source, progress)
        facts = {"source": source.id, "kind": source.kind.value, "trouble": turn.trouble}
        log.info("turn.ended", **facts, **turn.counts)
        if turn.trouble is None:
            await self._notices.withdraw(source.program_id, NoticeKind.SOURCE, source.id)
            return
        words = complaint(source, turn.trouble)
        await self._notices.note(source.program_id, NoticeKind.SOURCE, source.id, words)


def _storable(trouble: str) -> str:
    """Give what others have said as one short line that any database can hold."""
    line = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in trouble)
    return line if len(line) <= MOST_TROUBLE else line[: MOST_TROUBLE - 1] + "…"
