"""What the routes need of the rest of the house, handed in as one thing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from delivery.control import Control
from delivery.facts.vital_signs import Complaint
from delivery.history import History
from delivery.intake import Intake
from delivery.operations import Operations
from delivery.wire.egress import Egress
from delivery.work.rehearsal import Rehearsal
from hub.api.known import KnownIntegrations, KnownSources
from hub.api.rates import Rates
from hub.completions import Wordings
from hub.landing.store import Landing
from hub.pipeline.arriving.fetching import Fetching
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.chunks.lookups import Lookups
from hub.pipeline.chunks.milling import Milling
from hub.registry.clearing_house.event_completions import EventCompletions
from hub.registry.clearing_house.events import Events
from hub.registry.clearing_house.subscriptions import Subscriptions
from hub.registry.clearing_house.sync_batches import SyncBatches
from hub.registry.clearing_house.syncs import Syncs
from hub.registry.parties.caller import Caller
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.keys import Keys
from hub.registry.parties.notices import Notices
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Providers
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import Sources
from hub.registry.sql.clock import Clock
from hub.registry.trust.audit import Audit
from hub.sync.running import Running
from hub.taking import Taking
from hub.templates.renderer import Renderer
from hub.upkeep import Upkeep

Check = Callable[[], Awaitable[str | None]]
"""Looks at one thing that readiness needs; answers what is missing, or None."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken at once."""

    max_body_bytes: int = 5 * 1024 * 1024
    max_batch: int = 1000
    max_file_bytes: int = 10 * 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class House:
    """All that the routes call."""

    programs: Programs
    keys: Keys
    providers: Providers
    integrations: IntegrationRegistry
    audit: Audit
    events: Events
    subscriptions: Subscriptions
    renderer: Renderer
    event_completions: EventCompletions
    notices: Notices
    syncs: Syncs
    sync_batches: SyncBatches
    synchronizer: Running
    known: KnownIntegrations
    known_sources: KnownSources
    intake: Intake
    control: Control
    history: History
    operations: Operations
    upkeep: Upkeep
    rehearsal: Rehearsal
    sources: Sources
    source_files: SourceFiles
    landing: Landing
    receiving: Receiving
    milling: Milling
    fetching: Fetching
    lookups: Lookups
    egress: Egress
    clock: Clock
    metrics: Callable[[], Awaitable[str]]
    """Writes all metrics in Prometheus' text format."""
    public_url: str = ""
    """What addresses in answers begin with; empty makes them relative."""
    version: str = "0"
    limits: Limits = Limits()
    bucket_folders: Sequence[str] = ()
    """The folders on this machine that sources may read."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    warnings: Callable[[], Awaitable[Sequence[Complaint]]] | None = None
    """Finds what an operator should know of, though everything goes on."""
    rehearsal_rates: Rates = field(default_factory=lambda: Rates("tests"))
    trusted: Caller | None = None
    """Who calls when no key is asked: the command line, within its own process."""

    @property
    def taking(self) -> Taking:
        """The way of statements into delivery."""
        return Taking(self.intake, self.integrations, self.control, forget=self.known.forget)

    @property
    def wordings(self) -> Wordings:
        """Puts completions in the words of each integration."""
        return Wordings(self.integrations, self.providers)


def house_of(request: Request) -> House:
    """Return the house that this application was built for."""
    house: House = request.app.state.house
    return house


async def _house_of(request: Request) -> House:
    # FastAPI would call what is not asynchronous on a thread, for every request.
    return house_of(request)


HouseOf = Annotated[House, Depends(_house_of)]
