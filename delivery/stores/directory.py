"""Integrations as the workers know them: read once for each revision, not once for each drain."""

from collections import OrderedDict

import structlog

from delivery.facts.doorbell import Doorbell, Work
from delivery.facts.integration import Integration, IntegrationId, Integrations
from delivery.stores.status_store import StatusStore

REMEMBERED = 10_000

log = structlog.get_logger()


class Directory:
    """Remembers integrations by revision, and tells delivery's state when the registry moved on."""

    def __init__(self, integrations: Integrations, states: StatusStore, doorbell: Doorbell) -> None:
        self._integrations = integrations
        self._states = states
        self._doorbell = doorbell
        self._known: OrderedDict[IntegrationId, Integration] = OrderedDict()

    async def at(self, integration_id: IntegrationId, revision: int) -> Integration | None:
        """Return the integration as of the revision that delivery's state names, or a newer one.

        None when the registry does not have it, or (restored from a backup) knows only older news.
        """
        known = self._known.get(integration_id)
        if known and known.revision == revision:
            return known
        found = await self.find(integration_id)
        if found is None:
            return None
        if found.revision > revision:
            await self.apply(found)
        elif found.revision < revision:
            log.error("registry.behind", integration=integration_id, revision=found.revision)
            return None
        return found

    async def find(self, integration_id: IntegrationId) -> Integration | None:
        """Return the integration as the registry has it now."""
        found = await self._integrations.find(integration_id)
        if found is None:
            self._known.pop(integration_id, None)
            return None
        self._known[integration_id] = found
        self._known.move_to_end(integration_id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def keep_refresh_token(self, integration: Integration, refresh_token: str) -> None:
        """Store a rotated refresh token, and let every worker notice."""
        await self._integrations.keep_refresh_token(integration, refresh_token)
        found = await self.find(integration.id)
        if found is not None:
            await self.apply(found)

    async def apply(self, integration: Integration) -> None:
        """Tell delivery's state what the integration is now, and ring if something may flow."""
        if await self._states.apply(integration):
            self._doorbell.ring(Work.DRAIN, [integration.id])
