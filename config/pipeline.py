"""Puts together what lands raw records and makes statements of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from config import clock
from config.errands import Errand
from config.settings import Settings
from config.wiring import Delivery, Registry
from delivery.intake import Intake
from delivery.stores.headroom import Headroom
from delivery.wire.egress import Egress
from hub.landing.folder import FolderLanding
from hub.landing.objects import ObjectLanding, S3Place
from hub.landing.spool import sweep
from hub.landing.store import Landing
from hub.pipeline.arriving.buckets import Buckets
from hub.pipeline.arriving.fetching import Fetching
from hub.pipeline.arriving.polling import Polling
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.arriving.turns import Turns
from hub.pipeline.chunks.cutting_up import Cutting
from hub.pipeline.chunks.lookups import Lookups
from hub.pipeline.chunks.milling import Milling
from hub.pipeline.chunks.table_files import TableFiles
from hub.pipeline.chunks.targets import Targets
from hub.pipeline.chunks.transforming import Transforming
from hub.pipeline.keeping.retention import Retention
from hub.pipeline.keeping.sweeping import Sweeping
from hub.registry.pipeline.file_work import FileWork
from hub.registry.pipeline.swept_days import SweptDays
from hub.taking import Taking

OFTEN = timedelta(milliseconds=200)
EVERY_SECOND, EVERY_HOUR = timedelta(seconds=1), timedelta(hours=1)
LANES = 2
"""So many lots are under way at once: while one is handed in, another is in the mill."""
ASKING, LOOKING = 4, 2
"""So many sources are asked at once: an API that is slow keeps no other waiting."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What lands, and what reads it."""

    landing: Landing
    receiving: Receiving
    milling: Milling
    lookups: Lookups


@asynccontextmanager
async def open_pipeline(settings: Settings, registry: Registry) -> AsyncIterator[Pipeline]:
    """Open it; at the end, the mill of this process is ended."""
    spool, copies = spool_of(settings), settings.data_dir / "copies"
    if swept := sweep(spool) + sweep(copies):
        log.info("spool.swept", files=swept)
    landing = open_landing(settings)
    milling = Milling(settings.recipes_dir)
    tables = TableFiles(settings.data_dir / "tables", clock.now)
    await tables.tidy()
    try:
        yield Pipeline(
            landing=landing,
            receiving=Receiving(
                landing,
                registry.source_files,
                clock.now,
                spool,
                settings.max_file_bytes,
            ),
            milling=milling,
            lookups=Lookups(registry.sources, registry.source_files, landing, tables),
        )
    finally:
        await milling.close()


def open_landing(settings: Settings) -> Landing:
    """Open the landing store that the settings name."""
    parts = urlsplit(settings.landing_url)
    if parts.scheme == "file":
        return FolderLanding(Path(unquote(parts.path)))
    place = S3Place(parts.netloc, parts.path.strip("/"), settings.s3_endpoint)
    return ObjectLanding(place, settings.data_dir / "copies")


def spool_of(settings: Settings) -> Path:
    """Say where files are while they come in: where a folder keeps them, for renaming is there."""
    parts = urlsplit(settings.landing_url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)) / ".spool"
    return settings.data_dir / "spool"


def pipeline_errands(
    settings: Settings,
    registry: Registry,
    delivery: Delivery,
    pipeline: Pipeline,
    headroom: Headroom,
    egress: Egress,
    fetching: Fetching,
    name: str,
) -> Sequence[Errand]:
    """Make what a worker does for sources by the clock. `headroom` must be looked at beside it."""
    # Half of a queue stays free for upstream services, however much a file holds.
    intake = Intake(
        delivery.store,
        headroom,
        delivery.bell,
        delivery.meters,
        clock.now,
        max(1, settings.max_queue // 2),
    )
    work = FileWork(registry.database, clock.now)
    cutting = Cutting(
        work,
        registry.sources,
        pipeline.landing,
        pipeline.milling,
        clock.now,
        spool_of(settings),
        settings.max_file_bytes,
        delivery.meters,
    )
    transforming = Transforming(
        work,
        registry.sources,
        pipeline.landing,
        pipeline.milling,
        Targets(registry.integrations, registry.providers),
        pipeline.lookups,
        Taking(intake, registry.integrations, delivery.control),
        clock.now,
        delivery.meters,
    )
    turns = Turns(registry.sources, registry.leases, registry.notices, clock.now, holder=name)
    polling = Polling(turns, registry.sources, pipeline.receiving, fetching, clock.now)
    buckets = Buckets(
        turns,
        registry.source_files,
        pipeline.receiving,
        egress,
        clock.now,
        folders=settings.bucket_folders,
    )
    sweeping = Sweeping(
        SweptDays(registry.database),
        registry.source_files,
        pipeline.landing,
        registry.leases,
        clock.now,
        holder=name,
    )

    async def cut_up() -> None:
        while await cutting.step():
            pass

    async def transform() -> None:
        while await transforming.step():
            pass

    return (
        Errand("cut files up", OFTEN, cut_up),
        # Of few chunks one lane takes all; the others join it where there are many.
        Errand("transform chunks", OFTEN, transform),
        *(Errand("transform chunks", EVERY_SECOND, transform) for _ in range(1, LANES)),
        *(Errand("ask sources", EVERY_SECOND, polling.run) for _ in range(ASKING)),
        *(Errand("look through buckets", EVERY_SECOND, buckets.run) for _ in range(LOOKING)),
        Errand(
            "remove raw bytes", EVERY_HOUR, Retention(registry.source_files, pipeline.landing).run
        ),
        Errand("sweep raw bytes", EVERY_HOUR, sweeping.run),
        Errand("remove tables", EVERY_HOUR, pipeline.lookups.tidy),
    )
