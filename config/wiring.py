"""Puts the house together: who is given what. Nothing here decides anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

from fastapi import FastAPI
from redis.asyncio import Redis

from config import clock
from config.background import cease
from config.broker import Bell, BellBroker, open_broker
from config.keyring import open_keyring
from config.readiness import checks, run_errands, tell_durability
from config.settings import Settings
from config.stores import locate, open_broker_redis, open_redis
from delivery.alerts import Alerts, MailRecords
from delivery.control import Control
from delivery.directory import Directory
from delivery.doorbell import Doorbell
from delivery.drain import Drainer
from delivery.egress import Egress
from delivery.headroom import Headroom
from delivery.heartbeat import Heartbeat
from delivery.intake import Intake
from delivery.journal import Journal
from delivery.lease import Leases
from delivery.letter import Letters
from delivery.lrs import Lrs
from delivery.mailer import FileMailer, SmtpMailer
from delivery.meters import Meters
from delivery.oauth import Tokens
from delivery.parked import ParkedStatements
from delivery.receipts import Receipts
from delivery.rehearsal import Rehearsal
from delivery.running import Running
from delivery.statement_queue import Policy
from delivery.status_store import StatusStore
from delivery.store import Store
from hub.api.app import build
from hub.api.house import House, Limits
from hub.api.known import KnownIntegrations, looking_in
from hub.metrics import Metrics
from hub.registry.audit import Audit
from hub.registry.database import Database
from hub.registry.integrations import IntegrationRegistry
from hub.registry.keys import Keys
from hub.registry.programs import Programs
from hub.registry.providers import Providers
from hub.registry.vault import Vault
from hub.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Registry:
    """SQL, noun by noun."""

    database: Database
    vault: Vault
    programs: Programs
    keys: Keys
    providers: Providers
    integrations: IntegrationRegistry
    audit: Audit


@asynccontextmanager
async def open_registry(settings: Settings) -> AsyncIterator[Registry]:
    """Open SQL and the vault."""
    keyring = open_keyring(settings)
    vault = Vault.parse(",".join(keyring.keys))
    database = Database(settings.database_url)
    try:
        yield Registry(
            database=database,
            vault=vault,
            programs=Programs(database, vault, clock.now),
            keys=Keys(database, keyring.pepper, clock.now),
            providers=Providers(database, clock.now),
            integrations=IntegrationRegistry(database, vault, clock.now),
            audit=Audit(database),
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
    broker: BellBroker
    bell: Bell
    control: Control
    upkeep: Upkeep


@asynccontextmanager
async def open_delivery(settings: Settings, registry: Registry) -> AsyncIterator[Delivery]:
    """Open Redis, for the statements and for the rings."""
    url = locate(settings)
    redis = open_redis(url)
    rings = open_broker_redis(url)
    broker = open_broker(rings)
    bell = Bell(broker)
    store = Store(redis)
    states = StatusStore(store, clock.now)
    control = open_control_on(store, states, bell, settings)
    try:
        await tell_durability(redis)
        yield Delivery(
            redis=redis,
            store=store,
            states=states,
            meters=Meters(store),
            broker=broker,
            bell=bell,
            control=control,
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
        parked_statements=ParkedStatements(store, clock.now, settings.receipt_age),
        mail_records=MailRecords(store),
        doorbell=bell,
        clock=clock.now,
        receipt_age=settings.receipt_age,
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
            tokens=Tokens(delivery.redis, client, registry.vault, directory, clock.now, within),
        )


@dataclass(frozen=True, slots=True)
class WorkerHouse:
    """What a worker process holds while it lives."""

    running: Running
    alerts: Alerts
    heartbeat: Heartbeat


@asynccontextmanager
async def open_worker(settings: Settings, name: str) -> AsyncIterator[WorkerHouse]:
    """Open everything that a worker needs, on the loop it will work on."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(open_registry(settings))
        delivery = await stack.enter_async_context(open_delivery(settings, registry))
        outside = await stack.enter_async_context(open_outside(settings, registry, delivery))
        drainer = Drainer(
            store=delivery.store,
            leases=Leases(delivery.store, clock.now),
            directory=outside.directory,
            lrs=outside.lrs,
            tokens=outside.tokens,
            journal=Journal(delivery.store),
            meters=delivery.meters,
            doorbell=delivery.bell,
            clock=clock.now,
            policy=Policy(
                heartbeat=settings.heartbeat,
                alert_interval=settings.alert_interval,
                receipt_age=settings.receipt_age,
            ),
        )
        letters = Letters(
            settings.mail_from,
            settings.public_url,
            heartbeat=settings.heartbeat,
            interval=settings.alert_interval,
        )
        yield WorkerHouse(
            running=Running(drainer.drain),
            alerts=Alerts(
                delivery.store,
                delivery.states,
                registry.integrations,
                open_mailer(settings),
                letters.write,
                clock.now,
            ),
            heartbeat=Heartbeat(
                store=delivery.store,
                states=delivery.states,
                registry=delivery.upkeep,
                meters=delivery.meters,
                doorbell=delivery.bell,
                clock=clock.now,
                name=name,
            ),
        )


def open_mailer(settings: Settings) -> SmtpMailer | FileMailer:
    """Choose the way of mails: a mail server, or the data folder."""
    if settings.smtp_url is None:
        return FileMailer(settings.data_dir / "mails")
    return SmtpMailer(settings.smtp_url, settings.mail_from)


@asynccontextmanager
async def open_web(settings: Settings) -> AsyncIterator[FastAPI]:
    """Open everything that the web process needs, and build its application."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(open_registry(settings))
        delivery = await stack.enter_async_context(open_delivery(settings, registry))
        outside = await stack.enter_async_context(open_outside(settings, registry, delivery))
        headroom = Headroom(delivery.store)
        metrics = Metrics(registry.integrations, delivery.control, delivery.meters)
        house = House(
            programs=registry.programs,
            keys=registry.keys,
            providers=registry.providers,
            integrations=registry.integrations,
            audit=registry.audit,
            known=KnownIntegrations(
                looking_in(registry.integrations, registry.providers), clock.now
            ),
            intake=Intake(
                delivery.store,
                headroom,
                delivery.bell,
                delivery.meters,
                clock.now,
                settings.max_queue,
            ),
            control=delivery.control,
            upkeep=delivery.upkeep,
            rehearsal=Rehearsal(
                outside.egress, outside.tokens, outside.lrs, within=settings.request_timeout
            ),
            egress=outside.egress,
            clock=clock.now,
            metrics=lambda: metrics.text(clock.now()),
            public_url=settings.public_url,
            version=version("learning-hub"),
            limits=Limits(settings.max_body_bytes, settings.max_batch),
            checks=checks(delivery.store, registry.database),
        )
        errands = asyncio.create_task(run_errands(delivery.meters, headroom, registry.keys))
        stack.push_async_callback(cease, errands)
        yield build(house)
