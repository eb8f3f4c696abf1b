"""Puts the house together: who is given what. Nothing here decides anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from config import clock
from config.broker import Bell, BellBroker, open_broker
from config.keyring import open_keyring
from config.readiness import tell_durability
from config.settings import Settings
from config.stores import locate, open_broker_redis, open_redis
from delivery.control import Control
from delivery.facts.doorbell import Doorbell
from delivery.history import History
from delivery.mails.alerts import MailRecords
from delivery.operations import Operations
from delivery.stores.archive import Archive
from delivery.stores.directory import Directory
from delivery.stores.journal import Journal
from delivery.stores.meters import Meters
from delivery.stores.operation_store import OperationStore
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipts
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.tokens.oauth import Tokens
from delivery.wire.egress import Egress
from delivery.wire.lrs import Lrs
from hub.registry.clearing_house.event_completions import EventCompletions
from hub.registry.clearing_house.events import Events
from hub.registry.clearing_house.subscriptions import Subscriptions
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.keys import Keys
from hub.registry.parties.notices import Notices
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Providers
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import Sources
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from hub.registry.trust.audit import Audit
from hub.registry.trust.house_secrets import Pepper
from hub.registry.trust.vault import Vault
from hub.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Registry:
    """SQL, noun by noun."""

    database: Database
    vault: Vault
    pepper: Pepper
    programs: Programs
    keys: Keys
    providers: Providers
    integrations: IntegrationRegistry
    audit: Audit
    leases: SqlLeases
    events: Events
    subscriptions: Subscriptions
    event_completions: EventCompletions
    notices: Notices
    sources: Sources
    source_files: SourceFiles


@asynccontextmanager
async def open_registry(settings: Settings) -> AsyncIterator[Registry]:
    """Open SQL and the vault."""
    keyring = open_keyring(settings)
    vault = Vault.parse(",".join(keyring.keys), keyring.newer)
    database = Database(settings.database_url)
    pepper = Pepper(database, vault, keyring.derived_pepper)
    try:
        yield Registry(
            database=database,
            vault=vault,
            pepper=pepper,
            programs=Programs(database, vault, clock.now),
            keys=Keys(database, pepper, clock.now),
            providers=Providers(database, clock.now),
            integrations=IntegrationRegistry(database, vault, clock.now),
            audit=Audit(database),
            leases=SqlLeases(database, clock.now),
            events=Events(database, clock.now),
            subscriptions=Subscriptions(database, clock.now),
            event_completions=EventCompletions(database, clock.now),
            notices=Notices(database, clock.now),
            sources=Sources(database, vault, clock.now),
            source_files=SourceFiles(database, clock.now),
        )
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Redis, and delivery's front doors."""

    redis: Redis
    store: Store
    states: StatusStore
    meters: Meters
    history: History
    broker: BellBroker
    bell: Bell
    control: Control
    archive: Archive
    operation_store: OperationStore
    operations: Operations
    upkeep: Upkeep


@asynccontextmanager
async def open_delivery(settings: Settings, registry: Registry) -> AsyncIterator[Delivery]:
    """Open Redis, for the statements and for the rings."""
    url = locate(settings)
    redis = open_redis(url)
    rings = open_broker_redis(url)
    broker = open_broker(rings)
    store = Store(redis)
    meters = Meters(store)
    bell = Bell(broker, meters)
    states = StatusStore(store, clock.now)
    control = open_control_on(store, states, bell, settings)
    archive = Archive(store, clock.now, settings.archive_age)
    operation_store = OperationStore(store, clock.now)
    try:
        await tell_durability(redis)
        yield Delivery(
            redis=redis,
            store=store,
            states=states,
            meters=meters,
            history=History(store, clock.now),
            broker=broker,
            bell=bell,
            control=control,
            archive=archive,
            operation_store=operation_store,
            operations=Operations(store, operation_store, archive, Journal(store), clock.now),
            upkeep=Upkeep(registry.integrations, control),
        )
    finally:
        bell.close()
        await redis.aclose()
        rings.close()


def open_control_on(
    store: Store, states: StatusStore, bell: Doorbell, settings: Settings
) -> Control:
    """Make delivery's steering wheel on an open store."""
    return Control(
        store=store,
        states=states,
        receipts=Receipts(store),
        journal=Journal(store),
        parked_statements=ParkedStatements(
            store, clock.now, settings.receipt_age, archived=bool(settings.archive_age)
        ),
        mail_records=MailRecords(store),
        doorbell=bell,
        clock=clock.now,
        receipt_age=settings.receipt_age,
        archive_age=settings.archive_age,
        alert_interval=settings.alert_interval,
    )


@asynccontextmanager
async def open_control(settings: Settings) -> AsyncIterator[tuple[Registry, Control, Upkeep]]:
    """Open what the command line needs to look and to steer."""
    async with open_registry(settings) as registry, open_delivery(settings, registry) as delivery:
        yield registry, delivery.control, delivery.upkeep


@dataclass(frozen=True, slots=True)
class Outside:
    """The ways to customers' servers."""

    egress: Egress
    directory: Directory
    lrs: Lrs
    tokens: Tokens


@asynccontextmanager
async def open_outside(
    settings: Settings, registry: Registry, delivery: Delivery
) -> AsyncIterator[Outside]:
    """Open the guarded way out, for as long as the block runs."""
    egress, within = Egress(settings.egress_allow), settings.request_timeout
    directory = Directory(registry.integrations, delivery.states, delivery.bell)
    async with egress.open_client(timeout=within) as client:
        yield Outside(
            egress=egress,
            directory=directory,
            lrs=Lrs(client, within=within, clock=clock.now),
            tokens=Tokens(
                delivery.redis,
                client,
                registry.vault,
                directory,
                clock.now,
                within,
                delivery.meters,
            ),
        )
