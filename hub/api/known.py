"""What the roads of statements must know of an integration, remembered for two seconds.

Statements arrive by the thousand each second; SQL is asked once in two seconds for each
integration, by one of the requests that wait for the answer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.integration import IntegrationId
from hub.errors import UnknownProvider
from hub.registry.clock import Clock
from hub.registry.integrations import IntegrationRegistry
from hub.registry.providers import Providers
from hub.xapi.rules import Rules

MAX_AGE = timedelta(seconds=2)
MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """Whose integration it is, and the rules of its provider."""

    program_id: str
    rules: Rules


Look = Callable[[IntegrationId], Awaitable[Known | None]]


class KnownIntegrations:
    """Remembers integrations, and that there is none of an id."""

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._known: OrderedDict[IntegrationId, tuple[datetime, Known | None]] = OrderedDict()
        self._asked: dict[IntegrationId, asyncio.Task[Known | None]] = {}

    async def find(self, integration_id: IntegrationId) -> Known | None:
        """Return what is known; at most two seconds old. Raises RegistryUnavailable."""
        remembered = self._known.get(integration_id)
        if remembered is not None and self._clock() - remembered[0] < MAX_AGE:
            return remembered[1]
        asked = self._asked.get(integration_id)
        if asked is None:
            asked = asyncio.create_task(self._ask(integration_id))
            self._asked[integration_id] = asked
            asked.add_done_callback(lambda _: self._asked.pop(integration_id, None))
        # Shielded: a client that goes away must not take the answer from those who wait with it.
        return await asyncio.shield(asked)

    def forget(self, integration_id: IntegrationId) -> None:
        """Ask again next time: this integration, or its provider, was changed here."""
        self._known.pop(integration_id, None)

    async def _ask(self, integration_id: IntegrationId) -> Known | None:
        asked_at = self._clock()
        found = await self._look(integration_id)
        self._known[integration_id] = (asked_at, found)
        self._known.move_to_end(integration_id)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return found


def looking_in(integrations: IntegrationRegistry, providers: Providers) -> Look:
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
