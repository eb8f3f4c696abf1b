"""Rings for work. A ring is only a hint: lost, doubled or late ones do no harm."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from delivery.facts.integration import IntegrationId


class Work(StrEnum):
    """The kinds of work there are to ring for; each has a Dramatiq queue of its own."""

    DRAIN = "drain"
    PROBE = "probe"
    MAIL = "mail"


class Doorbell(Protocol):
    """Says that integrations may have work. Never waits, and never raises."""

    def ring(self, work: Work, integration_ids: Iterable[IntegrationId]) -> None:
        """Hint that these integrations may have work of this kind."""
        ...
