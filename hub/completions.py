"""What each integration of a program is to be told of some completions."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement, StatementId
from hub.registry.parties.integration_records import IntegrationRecord
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.providers import Providers, ProviderStatus
from hub.xapi.completion import Completion, Skipped, express
from hub.xapi.errors import InvalidCompletions
from hub.xapi.flaw import Flaw, point

PROVIDER_DISABLED = Skipped("the provider is disabled")


@dataclass(frozen=True, slots=True)
class Wording:
    """How one integration is told of completions: for each a statement, or why there is none."""

    integration_id: IntegrationId
    said: Sequence[Statement | Skipped]

    def statements(self) -> list[Statement]:
        """Give each statement once, though a completion may stand twice among them.

        Raises InvalidCompletions if it stands there with two contents.
        """
        found: dict[StatementId, Statement] = {}
        for number, one in enumerate(self.said):
            if isinstance(one, Skipped):
                continue
            if found.setdefault(one.id, one).digest != one.digest:
                flaw = Flaw(point(number, "id"), "stands twice, with different content")
                raise InvalidCompletions([flaw])
        return list(found.values())


class Wordings:
    """Puts completions in the words of each integration of a program, by its provider's rules."""

    def __init__(self, integrations: IntegrationRegistry, providers: Providers) -> None:
        self._integrations = integrations
        self._providers = providers

    async def each(
        self, program_id: str, completions: Sequence[Completion]
    ) -> AsyncIterator[Wording]:
        """Go through the integrations, oldest first, without those being deleted."""
        cursor = None
        while True:
            page = await self._integrations.list({program_id}, cursor=cursor)
            for record in page.items:
                yield Wording(record.id, await self._say(record, completions))
            if page.next is None:
                return
            cursor = page.next

    async def _say(
        self, record: IntegrationRecord, completions: Sequence[Completion]
    ) -> list[Statement | Skipped]:
        provider = await self._providers.find(record.provider)
        if provider is None or provider.status is ProviderStatus.DISABLED:
            return [PROVIDER_DISABLED for _ in completions]
        return [express(one, provider.rules, record.id) for one in completions]
