"""A program with a LearningBuilder, subscribed to publishers; its syncs run on a moved clock."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from config.sandbox.imports import API_KEY, Batch
from config.sandbox.state import Sandbox
from hub.events.event import Category, EventType, NewEvent
from hub.registry.clearing_house.events import Events
from hub.registry.clearing_house.nights import Nights
from hub.registry.clearing_house.subscriptions import (
    Subscription,
    SubscriptionChanges,
    Subscriptions,
)
from hub.registry.clearing_house.sync_batches import SyncBatches
from hub.registry.clearing_house.syncs import Syncs, Trigger
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from hub.registry.trust.vault import Vault
from hub.sync.gathering import Bounds
from hub.sync.learning_builder import LearningBuilder
from hub.sync.nightly_syncs import NightlySyncs, RunSync
from hub.sync.posting import Patience, Posting
from hub.sync.publisher_part import Tools
from hub.sync.rendering import Renderer
from hub.sync.report import SyncReport
from hub.sync.synchronizer import Order, Synchronizer
from hub.sync.telling import Telling
from tests.fakes.clock import FakeClock
from tests.fakes.notes import Notes
from tests.fakes.renderer import FakeRenderer

PROGRAM = "ACME"
ROW = '{"n": {{n}} }'
PROCESSES = {"COURSE": 1, "WORK": 2, "EXAM": 3}
BY = "test"


def a_template(**processes: int | None) -> str:
    """Write a template map: categories by import process, None for those to ignore."""
    entries = {
        category: {"action": "ignore"}
        if process is None
        else {"importProcessId": process, "batchRowTemplate": ROW}
        for category, process in processes.items()
    }
    return json.dumps(entries)


TEMPLATE = a_template(**PROCESSES)


@dataclass(frozen=True)
class Row:
    """A row as LearningBuilder got it."""

    n: int
    import_process_id: str
    file_name: str


class World:
    """Everything around the syncs of one program, on one database."""

    def __init__(
        self,
        database: Database,
        clock: FakeClock,
        sandbox: Sandbox,
        client: httpx.AsyncClient,
        *,
        url: str = "http://lb.example",
        bounds: Bounds | None = None,
        renderer: Renderer | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.sandbox = sandbox
        self.url = url
        self.client = client
        self.bounds = bounds or Bounds(rows=5)
        self.renderer = renderer or FakeRenderer()
        self.notes = Notes()
        self.programs = Programs(database, Vault([b"k" * 32]), clock)
        self.events = Events(database, clock)
        self.subscriptions = Subscriptions(database, clock)
        self.batches = SyncBatches(database, clock)
        self.syncs = Syncs(database, clock)
        self.leases = SqlLeases(database, clock)
        self.nights = Nights(database, clock)
        self.learning_builder = LearningBuilder(client, within=timedelta(seconds=5))
        self.published = 0

    def synchronizer(self, learning_builder: LearningBuilder | None = None) -> Synchronizer:
        door = learning_builder or self.learning_builder
        patience = Patience(tries=2, pause=timedelta())
        return Synchronizer(
            programs=self.programs,
            subscriptions=self.subscriptions,
            leases=self.leases,
            syncs=self.syncs,
            tools=Tools(
                self.events,
                self.batches,
                self.renderer,
                Posting(self.batches, door, patience),
                self.bounds,
            ),
            telling=Telling(self.notes),
            clock=self.clock,
            name="test",
        )

    async def settle_in(self, publishers: Mapping[str, str]) -> None:
        """Make the program, and its subscriptions: publishers with templates."""
        await self.programs.create(PROGRAM, "Acme", lb_api_url=self.url, lb_api_key=API_KEY, by=BY)
        for publisher, template in publishers.items():
            await self.programs.create(publisher, publisher, by=BY)
            await self.subscriptions.create(
                PROGRAM, publisher, sync_enabled=True, template=template, by=BY
            )

    async def publish(
        self, publisher: str, *categories: str | None, data: str | None = None
    ) -> list[int]:
        """Publish an event of each category; its number is in its row, all over the world."""
        numbers = list(range(self.published + 1, self.published + len(categories) + 1))
        self.published += len(categories)
        await self.events.add(
            [
                NewEvent(
                    f"{publisher}-{n}",
                    publisher,
                    EventType.AI_COMP_SUCCESS,
                    "ann",
                    data or json.dumps({"n": n}),
                    self.clock(),
                    category=Category(category) if category else None,
                )
                for n, category in zip(numbers, categories, strict=True)
            ]
        )
        return numbers

    async def sync(self) -> SyncReport:
        """Run a sync, as a caller."""
        return await self.synchronizer().run(Order(PROGRAM, Trigger.CALL, BY))

    def nightly(self, run: RunSync | None = None) -> NightlySyncs:
        """Make a worker's nightly syncs."""
        run = run or self.synchronizer().run
        return NightlySyncs(self.nights, run, Telling(self.notes), self.clock)

    async def subscription(self, publisher: str) -> Subscription:
        found = await self.subscriptions.find(PROGRAM, publisher)
        assert found is not None
        return found

    async def cursor(self, publisher: str) -> datetime | None:
        return (await self.subscription(publisher)).last_sync_at

    async def change(self, publisher: str, **changes: object) -> None:
        await self.subscriptions.change(
            PROGRAM,
            publisher,
            SubscriptionChanges(**changes),  # type: ignore[typeddict-item]  # as the test says
            by=BY,
        )

    async def moment(self, publisher: str, n: int) -> datetime:
        """Tell when an event was created."""
        event = await self.events.find(f"{publisher}-{n}")
        assert event is not None
        return event.created_at

    def imported(self) -> list[Batch]:
        """Give the batches that were applied, oldest first."""
        return list(reversed(self.sandbox.imports.batches()))

    def rows(self) -> list[Row]:
        """Give all rows that were applied, in the order in which they came."""
        return [
            Row(json.loads(line)["n"], batch.import_process_id, batch.file_name)
            for batch in self.imported()
            for line in batch.body.splitlines()
        ]

    def numbers(self) -> list[int]:
        return [row.n for row in self.rows()]

    def twice(self) -> set[int]:
        """Give the numbers of the events whose rows came more than once."""
        return {n for n, times in Counter(self.numbers()).items() if times > 1}


def names_of(batches: Sequence[Batch]) -> list[str]:
    return [batch.file_name for batch in batches]
