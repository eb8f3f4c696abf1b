"""Opens everything that a worker process needs, on the loop it will work on."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from config import clock
from config.conversion import make_converter
from config.errands import Errand
from config.notices import notice_errands
from config.pipeline import open_pipeline, pipeline_errands
from config.readiness import free_disk
from config.settings import Settings
from config.syncing import open_syncing
from config.wiring import open_delivery, open_outside, open_registry
from delivery.census import Census
from delivery.mails.alerts import Alerts
from delivery.mails.letter import Letters
from delivery.mails.mailer import FileMailer, SmtpMailer
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Journal
from delivery.stores.lease import Leases
from delivery.stores.statement_queue import Policy
from delivery.stores.tallies import Sampling, Tallies
from delivery.work.archiving import Archiving
from delivery.work.drain import Drainer
from delivery.work.heartbeat import Body, Heartbeat
from delivery.work.operating import Operating
from delivery.work.running import Running
from hub.metrics.metrics import Metrics
from hub.pipeline.arriving.fetching import Fetching
from hub.templates.renderer import Renderer

OFTEN = timedelta(milliseconds=250)
EVERY_SECOND, EVERY_TEN_SECONDS = timedelta(seconds=1), timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class WorkerHouse:
    """What a worker process holds while it lives."""

    running: Running
    alerts: Alerts
    heartbeat: Heartbeat
    tallies: Tallies
    metrics: Metrics
    errands: Sequence[Errand]
    """What every worker does by the clock; leases see to it that one does it at a time."""


@asynccontextmanager
async def open_worker(settings: Settings, name: str) -> AsyncIterator[WorkerHouse]:
    """Open everything that a worker needs, on the loop it will work on."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(open_registry(settings))
        delivery = await stack.enter_async_context(open_delivery(settings, registry))
        outside = await stack.enter_async_context(open_outside(settings, registry, delivery))
        renderer = Renderer()
        stack.push_async_callback(renderer.close)
        syncing = await stack.enter_async_context(
            open_syncing(settings, registry, renderer, delivery.meters)
        )
        tallies = Tallies(delivery.store)
        drainer = Drainer(
            store=delivery.store,
            leases=Leases(delivery.store, clock.now, delivery.meters),
            directory=outside.directory,
            lrs=outside.lrs,
            tokens=outside.tokens,
            journal=Journal(delivery.store),
            meters=delivery.meters,
            tallies=tallies,
            doorbell=delivery.bell,
            clock=clock.now,
            policy=Policy(
                heartbeat=settings.heartbeat,
                alert_interval=settings.alert_interval,
                receipt_age=settings.receipt_age,
                archive_age=settings.archive_age,
            ),
        )
        headroom = Headroom(delivery.store, free_disk(settings))
        operating = Operating(
            store=delivery.store,
            operations=delivery.operation_store,
            archive=delivery.archive,
            headroom=headroom,
            doorbell=delivery.bell,
            clock=clock.now,
            receipt_age=settings.receipt_age,
            archive_age=settings.archive_age,
        )
        archiving = Archiving(delivery.store, delivery.archive, name)
        sampling = Sampling(delivery.store, clock.now, name)
        pipeline = await stack.enter_async_context(open_pipeline(settings, registry))
        client = await stack.enter_async_context(
            outside.egress.open_client(timeout=settings.request_timeout)
        )
        fetching = Fetching(client, settings.request_timeout, clock.now)
        converter = make_converter(registry, delivery, headroom, renderer, settings, name)
        mailer = open_mailer(settings)
        letters = Letters(
            settings.mail_from,
            settings.public_url,
            heartbeat=settings.heartbeat,
            interval=settings.alert_interval,
        )
        running = Running(drainer.drain)
        yield WorkerHouse(
            running=running,
            alerts=Alerts(
                delivery.store,
                delivery.states,
                registry.integrations,
                mailer,
                letters.write,
                clock.now,
                delivery.meters,
            ),
            heartbeat=Heartbeat(
                store=delivery.store,
                states=delivery.states,
                registry=delivery.upkeep,
                meters=delivery.meters,
                doorbell=delivery.bell,
                clock=clock.now,
                name=name,
                body=Body(socket.gethostname(), version("learning-hub"), running),
            ),
            tallies=tallies,
            metrics=Metrics(
                Census(delivery.store, clock.now),
                delivery.meters,
                registry.database,
                registry.source_files,
                clock.now,
            ),
            errands=(
                Errand("write down what became of statements", EVERY_SECOND, tallies.flush),
                Errand("write down how much waits", EVERY_SECOND, sampling.run),
                Errand("look at the room left", EVERY_SECOND, headroom.look),
                Errand("carry operations on", OFTEN, operating.run),
                Errand("pack what has ended", EVERY_TEN_SECONDS, archiving.run),
                Errand("convert events", EVERY_SECOND, converter.run),
                *pipeline_errands(
                    settings,
                    registry,
                    delivery,
                    pipeline,
                    headroom,
                    outside.egress,
                    fetching,
                    name,
                ),
                *notice_errands(registry, mailer, settings, name),
                Errand("sync who is due", EVERY_TEN_SECONDS, syncing.nightly.run_due),
            ),
        )


def open_mailer(settings: Settings) -> SmtpMailer | FileMailer:
    """Choose the way of mails: a mail server, or the data folder."""
    if settings.smtp_url is None:
        return FileMailer(settings.data_dir / "mails")
    return SmtpMailer(settings.smtp_url, settings.mail_from)
