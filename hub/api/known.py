"""What the roads of statements and webhooks must know, remembered for two seconds.

Statements arrive by the thousand each second; SQL is asked once in two seconds for each
integration and each source, by one of the requests that wait for the answer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from delivery.facts.integration import IntegrationId
from hub.errors import UnknownProvider
from hub.pipeline.said import said_of
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.providers import Providers
from hub.registry.pipeline.sources import SourceRecord, Sources
from hub.registry.sql.clock import Clock
from hub.sources.settings import AnySource
from hub.xapi.rules import Rules

MAX_AGE = timedelta(seconds=2)
MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """Whose integration it is, and the rules of its provider."""

    program_id: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source, and what is said of it with its secrets."""

    record: SourceRecord
    said: AnySource


Id = TypeVar("Id", bound=str)
Fact = TypeVar("Fact")
Look = Callable[[Id], Awaitable[Fact | None]]


class Remembered(Generic[Id, Fact]):
    """Remembers what there is of an id, and that there is nothing."""

    def __init__(self, look: Look[Id, Fact], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._known: OrderedDict[Id, tuple[datetime, Fact | None]] = OrderedDict()
        self._asked: dict[Id, asyncio.Task[Fact | None]] = {}

    async def find(self, id_: Id) -> Fact | None:
        """Return what is known; at most two seconds old. Raises RegistryUnavailable."""
        remembered = self._known.get(id_)
        if remembered is not None and self._clock() - remembered[0] < MAX_AGE:
            return remembered[1]
        asked = self._asked.get(id_)
        if asked is None:
            asked = asyncio.create_task(self._ask(id_))
            self._asked[id_] = asked
            asked.add_done_callback(lambda _: self._asked.pop(id_, None))
        # Shielded: a client that goes away must not take the answer from those who wait with it.
        return await asyncio.shield(asked)

    def forget(self, id_: Id) -> None:
        """Ask again next time: it was changed here."""
        self._known.pop(id_, None)

    async def _ask(self, id_: Id) -> Fact | None:
        asked_at = self._clock()
        found = await self._look(id_)
        self._known[id_] = (asked_at, found)
        self._known.move_to_end(id_)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return found


KnownIntegrations = Remembered[IntegrationId, Known]
KnownSources = Remembered[str, KnownSource]


def looking_in(
    integrations: IntegrationRegistry, providers: Providers
) -> Look[IntegrationId, Known]:
    """Look integrations up in the registry."""

    async def look(integration_id: IntegrationId) -> Known | None:
        record = await integrations.find_record(integration_id)
        if record is None or record.deleting_at is not None:
            return None
        provider = await providers.find(record.provider)
        if provider is None:
            raise UnknownProvider(f"{record.provider}, the provider of {integration_id}, is gone")
        return Known(record.program_id, provider.rules)

    return look


def looking_for_sources(sources: Sources) -> Look[str, KnownSource]:
    """Look sources up in the registry."""

    async def look(source_id: str) -> KnownSource | None:
        found = await sources.find_with_secrets(source_id)
        return KnownSource(found[0], said_of(*found)) if found else None

    return look
