"""What became of a window: what drains settle by, and what is counted."""

from dataclasses import dataclass, field

from delivery.facts.outcome import IntegrationRefused, Unavailable
from delivery.facts.statement import Queued
from delivery.stores.journal import Attempt
from delivery.stores.statement_queue import Settled


@dataclass(slots=True)
class Sent:
    """What became of a window."""

    settled: list[Settled] = field(default_factory=list)
    attempted: list[Queued] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    stop: Unavailable | IntegrationRefused | None = None
    failed: list[Queued] = field(default_factory=list)
    largest: int | None = None
