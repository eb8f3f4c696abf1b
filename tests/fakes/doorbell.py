"""A doorbell that only remembers."""

from collections.abc import Iterable

from delivery.facts.doorbell import Work
from delivery.facts.integration import IntegrationId


class FakeDoorbell:
    """Keeps the rings it heard."""

    def __init__(self) -> None:
        self.rings: list[tuple[Work, list[IntegrationId]]] = []

    def ring(self, work: Work, integration_ids: Iterable[IntegrationId]) -> None:
        """Hear a ring."""
        self.rings.append((work, list(integration_ids)))
