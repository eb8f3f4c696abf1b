"""Opens everything that the web process needs, and builds its application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

from fastapi import FastAPI

from config import clock
from config.errands import Errand, run_errands
from config.pipeline import EVERY_HOUR, open_pipeline
from config.readiness import Warnings, checks, free_disk
from config.settings import Settings
from config.syncing import open_syncing
from config.wiring import open_delivery, open_outside, open_registry
from delivery.census import Census
from delivery.intake import Intake
from delivery.stores.headroom import Headroom
from delivery.vitality import Vitality
from delivery.work.rehearsal import Rehearsal
from hub.api.app import build
from hub.api.house import House, Limits
from hub.api.known import (
    KnownIntegrations,
    KnownSources,
    looking_for_sources,
    looking_in,
)
from hub.background import cease
from hub.metrics.metrics import Metrics
from hub.pipeline.arriving.fetching import Fetching
from hub.portal.app import add_portal
from hub.templates.renderer import Renderer

EVERY_SECOND = timedelta(seconds=1)


@asynccontextmanager
async def open_web(settings: Settings) -> AsyncIterator[FastAPI]:
    """Open everything that the web process needs, and build its application."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(open_registry(settings))
        delivery = await stack.enter_async_context(open_delivery(settings, registry))
        outside = await stack.enter_async_context(open_outside(settings, registry, delivery))
        headroom = Headroom(delivery.store, free_disk(settings))
        renderer = Renderer()
        stack.push_async_callback(renderer.close)
        syncing = await stack.enter_async_context(
            open_syncing(settings, registry, renderer, delivery.meters)
        )
        pipeline = await stack.enter_async_context(open_pipeline(settings, registry))
        asking = await stack.enter_async_context(
            outside.egress.open_client(timeout=settings.request_timeout)
        )
        census = Census(delivery.store, clock.now)
        metrics = Metrics(
            census, delivery.meters, registry.database, registry.source_files, clock.now
        )
        house = House(
            programs=registry.programs,
            keys=registry.keys,
            providers=registry.providers,
            integrations=registry.integrations,
            audit=registry.audit,
            events=registry.events,
            subscriptions=registry.subscriptions,
            renderer=renderer,
            event_completions=registry.event_completions,
            notices=registry.notices,
            syncs=syncing.syncs,
            sync_batches=syncing.batches,
            synchronizer=syncing.running,
            known=KnownIntegrations(
                looking_in(registry.integrations, registry.providers), clock.now
            ),
            known_sources=KnownSources(looking_for_sources(registry.sources), clock.now),
            intake=Intake(
                delivery.store,
                headroom,
                delivery.bell,
                delivery.meters,
                clock.now,
                settings.max_queue,
            ),
            control=delivery.control,
            history=delivery.history,
            operations=delivery.operations,
            upkeep=delivery.upkeep,
            rehearsal=Rehearsal(
                outside.egress, outside.tokens, outside.lrs, within=settings.request_timeout
            ),
            egress=outside.egress,
            sources=registry.sources,
            source_files=registry.source_files,
            landing=pipeline.landing,
            receiving=pipeline.receiving,
            milling=pipeline.milling,
            fetching=Fetching(asking, settings.request_timeout, clock.now),
            lookups=pipeline.lookups,
            bucket_folders=settings.bucket_folders,
            clock=clock.now,
            metrics=metrics.text,
            public_url=settings.public_url,
            version=version("learning-hub"),
            limits=Limits(settings.max_body_bytes, settings.max_batch, settings.max_file_bytes),
            checks=checks(delivery.store, registry.database),
            warnings=Warnings(
                Vitality(delivery.store, clock.now), delivery.redis, pipeline.landing, settings
            ).find,
        )
        errands = (
            Errand("look at the room left", EVERY_SECOND, headroom.look),
            Errand("write down the meters", EVERY_SECOND, delivery.meters.flush),
            Errand("write down the uses of keys", EVERY_SECOND, registry.keys.note_uses),
            Errand("remove tables", EVERY_HOUR, pipeline.lookups.tidy),
        )
        stack.push_async_callback(cease, asyncio.create_task(run_errands(errands)))
        app = build(house)
        add_portal(app, registry.pepper)
        app.state.on_stop = syncing.running.stop
        yield app
