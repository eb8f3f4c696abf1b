"""A registry in memory, for delivery alone: what it knows of integrations, and nothing else."""

from dataclasses import replace

from delivery.facts.integration import Credentials, Integration, IntegrationId
from delivery.stores.status_store import StatusStore


def an_integration(name: str = "acme", **changes: object) -> Integration:
    """Make an integration to the sandbox; `changes` are fields of `Integration`."""
    made = Integration(
        id=IntegrationId(name),
        program_id="ACME",
        name=f"{name} to its LRS",
        provider="sandbox",
        technical_emails=("ops@acme.example",),
        statement_url="https://lrs.example/xapi/statements",
        credentials=Credentials(
            authentication_url="https://lrs.example/oauth/token",
            client_id="sandbox",
            client_secret="sandbox-secret",
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name, from a test


class FakeRegistry:
    """Keeps integrations as the SQL registry would, versions and revisions included."""

    def __init__(self) -> None:
        self.integrations: dict[IntegrationId, Integration] = {}

    async def find(self, integration_id: IntegrationId) -> Integration | None:
        """Return the integration as it is now."""
        return self.integrations.get(integration_id)

    async def keep_refresh_token(self, integration: Integration, refresh_token: str) -> None:
        """Store a rotated refresh token."""
        known = self.integrations[integration.id]
        credentials = replace(known.credentials, refresh_token=refresh_token)
        self.put(replace(known, credentials=credentials, revision=known.revision + 1))

    def put(self, integration: Integration) -> None:
        """Create or replace an integration."""
        self.integrations[integration.id] = integration


class FakeUpkeep:
    """Tells delivery what the fake registry knows better, as the hub's upkeep does."""

    def __init__(self, registry: FakeRegistry, states: StatusStore) -> None:
        self._registry = registry
        self._states = states

    async def reconcile(self) -> int:
        """Tell delivery of every integration it has not heard of rightly."""
        ids = list(self._registry.integrations)
        heard = await self._states.revisions(ids)
        unheard = [i for i in ids if heard[i] != self._registry.integrations[i].revision]
        for integration_id in unheard:
            await self._states.apply(self._registry.integrations[integration_id])
        return len(unheard)
