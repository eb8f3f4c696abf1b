"""A whole delivery engine in one process, with a clock that is moved by hand.

Real: Redis (Valkey), every script, drain, heartbeat, alerts, and the sandbox as LRS and token
server.
Moved: time. Rings are answered by `settle`, as a worker would.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import redis.asyncio as aioredis

from config.sandbox.in_process import InProcess
from config.sandbox.state import Sandbox
from delivery.control import Control
from delivery.facts.doorbell import Work
from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.statement import Statement
from delivery.facts.status import Health
from delivery.facts.times import from_ms
from delivery.intake import Intake, Taken
from delivery.mails.alerts import Alerts, MailRecords
from delivery.mails.letter import Letters
from delivery.operations import Operations
from delivery.stores.archive import Archive
from delivery.stores.directory import Directory
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Journal
from delivery.stores.keys import DUE, MAIL
from delivery.stores.lease import Leases
from delivery.stores.meters import Meters
from delivery.stores.operation_store import OperationStore
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipt, Receipts
from delivery.stores.statement_queue import Policy
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.stores.tallies import Tallies
from delivery.tokens.oauth import Tokens
from delivery.wire.lrs import Lrs
from delivery.work.drain import Drainer
from delivery.work.heartbeat import Body, Heartbeat
from delivery.work.operating import Operating
from delivery.work.running import Running
from tests.fakes.contacts import FakeContacts
from tests.fakes.registry import FakeRegistry, FakeUpkeep, an_integration
from tests.fakes.sealer import PlainSealer

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PATIENCE = timedelta(seconds=30)


class World:
    """Everything between an upstream and an LRS."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self.now = START
        self.redis = redis
        self.sandbox = Sandbox(self.clock)
        self.registry = FakeRegistry()
        self.contacts = FakeContacts()
        self.rings: list[tuple[Work, list[IntegrationId]]] = []
        self.client = httpx.AsyncClient(transport=InProcess(self.sandbox), timeout=30)
        self.store = Store(redis)
        self.states = StatusStore(self.store, self.clock)
        self.meters = Meters(self.store)
        self.tallies = Tallies(self.store)
        self.headroom = Headroom(self.store)
        self.intake = Intake(
            self.store, self.headroom, self, self.meters, self.clock, max_queue=100_000
        )
        self.directory = Directory(self.registry, self.states, self)
        self.control = Control(
            store=self.store,
            states=self.states,
            receipts=Receipts(self.store),
            journal=Journal(self.store),
            parked_statements=ParkedStatements(self.store, self.clock, timedelta(days=7)),
            mail_records=MailRecords(self.store),
            doorbell=self,
            clock=self.clock,
            receipt_age=timedelta(days=7),
        )
        self.tokens = Tokens(
            redis, self.client, PlainSealer(), self.directory, self.clock, PATIENCE
        )
        self.drainer = Drainer(
            store=self.store,
            leases=Leases(self.store, self.clock),
            directory=self.directory,
            lrs=Lrs(self.client, within=PATIENCE, clock=self.clock),
            tokens=self.tokens,
            journal=Journal(self.store),
            meters=self.meters,
            tallies=self.tallies,
            doorbell=self,
            clock=self.clock,
            policy=Policy(
                heartbeat=timedelta(seconds=60),
                alert_interval=timedelta(days=1),
                receipt_age=timedelta(days=7),
            ),
        )
        self.running = Running(self.drainer.drain)
        self.archive = Archive(self.store, self.clock, timedelta(days=7))
        self.operation_store = OperationStore(self.store, self.clock)
        self.operations = Operations(
            self.store, self.operation_store, self.archive, Journal(self.store), self.clock
        )
        self.operating = Operating(
            store=self.store,
            operations=self.operation_store,
            archive=self.archive,
            headroom=self.headroom,
            doorbell=self,
            clock=self.clock,
            receipt_age=timedelta(days=7),
            archive_age=timedelta(days=7),
        )
        letters = Letters("hub@learning.example", "https://hub.example")
        self.alerts = Alerts(
            self.store, self.states, self.registry, self.contacts, letters.write, self.clock
        )
        self.heartbeat = Heartbeat(
            store=self.store,
            states=self.states,
            registry=FakeUpkeep(self.registry, self.states),
            meters=self.meters,
            doorbell=self,
            clock=self.clock,
            name="world",
            body=Body("host", "1.0", self.running),
        )

    def clock(self) -> datetime:
        """Give the world's time."""
        return self.now

    def ring(self, work: Work, integration_ids: Iterable[IntegrationId]) -> None:
        """Hear a ring; `settle` answers it."""
        self.rings.append((work, list(integration_ids)))

    async def add(self, name: str = "acme", **changes: object) -> Integration:
        """Set up an integration."""
        integration = an_integration(name, **changes)
        self.registry.put(integration)
        await self.control.apply(integration)
        return integration

    async def change(self, integration: Integration, **changes: object) -> Integration:
        """Save an integration whose address or credentials changed, as the portal would."""
        known = self.registry.integrations[integration.id]
        return await self._save(replace(known, version=known.version + 1), **changes)

    async def rename(self, integration: Integration, **changes: object) -> Integration:
        """Save an integration in which nothing changed that could release anything."""
        return await self._save(self.registry.integrations[integration.id], **changes)

    async def post(self, integration: Integration, *posted: Statement) -> Taken:
        """Hand statements in, and answer the rings that follow."""
        taken = await self.intake.accept(integration.id, posted)
        await self.settle()
        return taken

    async def settle(self) -> None:
        """Answer every ring, and the rings that follow from them."""
        while self.rings:
            work, ids = self.rings.pop(0)
            if work is Work.MAIL:
                for integration_id in ids:
                    await self.alerts.send(integration_id)
                continue
            for integration_id in ids:
                await self.drainer.drain(integration_id, lambda: False)

    async def operate(self, rounds: int = 1) -> None:
        """Carry operations on, a second later each time, and answer the rings that follow."""
        for _ in range(rounds):
            await self.operating.run()
            await self.settle()
            self.now += timedelta(seconds=1)

    async def run(self, **length: float) -> None:
        """Let time pass, from one due moment to the next."""
        until = self.now + timedelta(**length)
        while (moment := await self._next_due()) is not None and moment <= until:
            self.now = max(self.now, moment)
            await self.heartbeat.beat()
            await self.settle()
        self.now = until

    async def health(self, integration: Integration) -> Health:
        """Tell how an integration's delivery stands."""
        return (await self.control.health([integration.id]))[integration.id]

    async def receipt(self, integration: Integration, statement: Statement) -> Receipt:
        """Tell what became of a statement."""
        found = await self.control.receipt(integration.id, statement.id)
        assert found is not None
        return found

    @property
    def delivered(self) -> list[str]:
        """The ids that the LRS holds, in the order they came."""
        return self.sandbox.lrs.ids()

    async def _save(self, integration: Integration, **changes: object) -> Integration:
        changes["revision"] = integration.revision + 1
        saved = replace(integration, **changes)  # type: ignore[arg-type]  # fields by name
        self.registry.put(saved)
        await self.control.apply(saved)
        await self.settle()
        return saved

    async def _next_due(self) -> datetime | None:
        found = await self.store.ask(
            ("ZRANGE", DUE, 0, 0, "WITHSCORES"), ("ZRANGE", MAIL, 0, 0, "WITHSCORES")
        )
        scores = [entries[0][1] for entries in found if entries]
        return from_ms(min(scores)) if scores else None


@asynccontextmanager
async def open_world(url: str) -> AsyncIterator[World]:
    """Open a world on an empty Redis."""
    async with aioredis.Redis.from_url(url) as redis:
        world = World(redis)
        async with world.client:
            yield world
