"""The product between an upstream and an LRS, all of it real: registry, vault, Redis, sockets.

Moved: time. Rings are answered by `settle`, as a worker would.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Unpack

import redis.asyncio as aioredis

from delivery.control import Control
from delivery.facts.doorbell import Work
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from delivery.facts.status import Health
from delivery.facts.times import from_ms
from delivery.intake import Intake, Taken
from delivery.mails.alerts import Alerts, Contacts, MailRecords
from delivery.mails.letter import Letters
from delivery.stores.directory import Directory
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Journal
from delivery.stores.keys import DUE, MAIL
from delivery.stores.lease import Leases
from delivery.stores.meters import Meters
from delivery.stores.parked import Parked, ParkedStatements
from delivery.stores.receipts import Receipt, Receipts
from delivery.stores.statement_queue import Policy
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.stores.tallies import Tallies
from delivery.tokens.oauth import Tokens
from delivery.wire.egress import Egress
from delivery.wire.lrs import Lrs
from delivery.work.drain import Drainer
from delivery.work.heartbeat import Body, Heartbeat
from delivery.work.running import Running
from hub.registry.parties.integrations import (
    IntegrationChanges,
    IntegrationRecord,
    IntegrationRegistry,
    NewIntegration,
)
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, Providers
from hub.registry.sql.database import Database
from hub.registry.trust.vault import Vault
from hub.upkeep import Upkeep
from tests.fakes.clock import FakeClock

WITHIN = timedelta(seconds=10)
RECEIPT_AGE = timedelta(days=7)
POLICY = Policy(timedelta(seconds=60), timedelta(days=1), RECEIPT_AGE)
LOOPBACK = (ip_network("127.0.0.0/8"),)

NEW = NewIntegration(
    name="Acme to its LRS",
    provider="lms",
    technical_emails=("ops@acme.example",),
    statement_url="http://127.0.0.1:1/statements",
    authentication_url="http://127.0.0.1:1/token",
    client_id="hub",
    client_secret="first-secret",
)


class Engine:
    """One process that does what web and worker do."""

    def __init__(
        self,
        redis: aioredis.Redis,
        database: Database,
        egress: Egress,
        contacts: Contacts,
        clock: FakeClock,
    ) -> None:
        self.clock = clock
        self.redis = redis
        self.rings: list[tuple[Work, list[IntegrationId]]] = []
        vault = Vault([b"k" * 32])
        self.programs = Programs(database, vault, clock)
        self.providers = Providers(database, clock)
        self.registry = IntegrationRegistry(database, vault, clock)
        self.store = Store(redis)
        self.states = StatusStore(self.store, clock)
        meters, journal = Meters(self.store), Journal(self.store)
        self.client = egress.open_client(timeout=WITHIN)
        directory = Directory(self.registry, self.states, self)
        self.intake = Intake(self.store, Headroom(self.store), self, meters, clock, 100_000)
        self.control = Control(
            store=self.store,
            states=self.states,
            receipts=Receipts(self.store),
            journal=journal,
            parked_statements=ParkedStatements(self.store, clock, RECEIPT_AGE),
            mail_records=MailRecords(self.store),
            doorbell=self,
            clock=clock,
            receipt_age=RECEIPT_AGE,
        )
        self.upkeep = Upkeep(self.registry, self.control)
        self.drainer = Drainer(
            store=self.store,
            leases=Leases(self.store, clock),
            directory=directory,
            lrs=Lrs(self.client, within=WITHIN, clock=clock),
            tokens=Tokens(redis, self.client, vault, directory, clock, WITHIN),
            journal=journal,
            meters=meters,
            tallies=Tallies(self.store),
            doorbell=self,
            clock=clock,
            policy=POLICY,
        )
        letters = Letters("hub@learning.example", "https://hub.example")
        self.alerts = Alerts(self.store, self.states, self.registry, contacts, letters.write, clock)
        self.heartbeat = Heartbeat(
            store=self.store,
            states=self.states,
            registry=self.upkeep,
            meters=meters,
            doorbell=self,
            clock=clock,
            name="engine",
            body=Body("host", "1.0", Running(self.drainer.drain)),
        )

    def ring(self, work: Work, integration_ids: Iterable[IntegrationId]) -> None:
        """Hear a ring; `settle` answers it."""
        self.rings.append((work, list(integration_ids)))

    async def furnish(self, provider: Provider) -> None:
        """Set up a program and a provider, where integrations can begin."""
        await self.programs.create("ACME", "Acme", by="test")
        await self.providers.create(provider, by="test")

    async def connect(self, new: NewIntegration) -> IntegrationId:
        """Create an integration, and tell delivery."""
        record = await self.registry.create("ACME", new, by="test")
        await self.tell(record)
        return record.id

    async def change(
        self, integration_id: IntegrationId, **changes: Unpack[IntegrationChanges]
    ) -> None:
        """Change an integration, tell delivery, and answer the rings that follow."""
        await self.tell(await self.registry.change(integration_id, changes, by="test"))
        await self.settle()

    async def tell(self, record: IntegrationRecord) -> None:
        """Tell delivery what has just been committed."""
        integration = await self.registry.find(record.id)
        assert integration is not None
        await self.control.apply(integration)

    async def post(self, integration_id: IntegrationId, *posted: Statement) -> Taken:
        """Hand statements in, and answer the rings that follow."""
        taken = await self.intake.accept(integration_id, posted)
        await self.settle()
        return taken

    async def settle(self) -> None:
        """Answer every ring, and the rings that follow from them."""
        while self.rings:
            work, ids = self.rings.pop(0)
            for integration_id in ids:
                if work is Work.MAIL:
                    await self.alerts.send(integration_id)
                else:
                    await self.drainer.drain(integration_id, lambda: False)

    async def run(self, **length: float) -> None:
        """Let time pass, from one due moment to the next."""
        until = self.clock.now + timedelta(**length)
        while (moment := await self._next_due()) is not None and moment <= until:
            self.clock.now = max(self.clock.now, moment)
            await self.heartbeat.beat()
            await self.settle()
        self.clock.now = until

    async def health(self, integration_id: IntegrationId) -> Health:
        """Tell how an integration's delivery stands."""
        return (await self.control.health([integration_id]))[integration_id]

    async def receipt(self, integration_id: IntegrationId, statement: Statement) -> Receipt:
        """Tell what became of a statement."""
        found = await self.control.receipt(integration_id, statement.id)
        assert found is not None
        return found

    async def parked(self, integration_id: IntegrationId) -> list[Parked]:
        """Give what is parked, newest first."""
        return (await self.control.parked(integration_id)).items

    async def _next_due(self) -> datetime | None:
        found = await self.store.ask(
            ("ZRANGE", DUE, 0, 0, "WITHSCORES"), ("ZRANGE", MAIL, 0, 0, "WITHSCORES")
        )
        scores = [entries[0][1] for entries in found if entries]
        return from_ms(min(scores)) if scores else None


@asynccontextmanager
async def open_engine(
    redis_url: str, database_url: str, contacts: Contacts, clock: FakeClock
) -> AsyncIterator[Engine]:
    """Open an engine on an empty Redis and a database with all tables."""
    database = Database(database_url)
    try:
        async with aioredis.Redis.from_url(redis_url) as redis:
            engine = Engine(redis, database, Egress(LOOPBACK), contacts, clock)
            async with engine.client:
                yield engine
    finally:
        await database.close()
