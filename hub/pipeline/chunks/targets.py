"""Who is to have the statements of a source: integrations of its program, with their rules."""

from collections.abc import Sequence

from hub.pipeline.mill.asking import Target
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.providers import Providers, ProviderStatus
from hub.registry.pipeline.sources import SourceRecord
from hub.xapi.rules import Rules

ALL = "all"


class Targets:
    """Finds the integrations of a source."""

    def __init__(self, integrations: IntegrationRegistry, providers: Providers) -> None:
        self._integrations = integrations
        self._providers = providers

    async def of(self, source: SourceRecord) -> Sequence[Target]:
        """Give them, oldest first, without those being deleted or with a disabled provider."""
        chosen = source.settings.get("integrations", ALL)
        found: list[Target] = []
        cursor = None
        while True:
            page = await self._integrations.list({source.program_id}, cursor=cursor)
            for record in page.items:
                if isinstance(chosen, list) and record.id not in chosen:
                    continue
                provider = await self._providers.find(record.provider)
                if provider is not None and provider.status is not ProviderStatus.DISABLED:
                    found.append(_target(record.id, provider.rules))
            if page.next is None:
                return found
            cursor = page.next


def _target(integration_id: str, rules: Rules) -> Target:
    return Target(
        integration_id,
        rules.actor_id,
        rules.object_id,
        rules.account_home_page,
        rules.object_id_template,
        rules.verbs,
        rules.xapi_version,
    )
