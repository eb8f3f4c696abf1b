"""Gathers the numbers of the whole hub and writes them down, whichever process is asked.

Gauges are read from Redis when they are asked for; counters are added up there by all processes.
So every process shows the same, and what is summed over processes is wrong: take the maximum.
"""

import asyncio
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from delivery.census import Census
from delivery.facts.errors import StoreUnavailable
from delivery.stores.meters import Meters
from hub.errors import RegistryUnavailable
from hub.metrics.counters import counters, own_counters
from hub.metrics.gauges import file_gauges, gauges, redis_down, sql_gauges
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database


class Metrics:
    """Reads the numbers and writes them down. Scrapes that come together share one reading."""

    def __init__(
        self,
        census: Census,
        meters: Meters,
        database: Database,
        files: SourceFiles,
        clock: Clock,
    ) -> None:
        self._census = census
        self._meters = meters
        self._database = database
        self._files = files
        self._clock = clock
        self._reading: asyncio.Task[str] | None = None

    async def text(self) -> str:
        """Give all numbers in the text format. A store that is away is a number too."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        # A scraper that goes away must not take the answer from another.
        return await asyncio.shield(self._reading)

    async def _read(self) -> str:
        registry = CollectorRegistry()
        registry.register(_Collected([*await self._delivery(), *await self._sql(), *self._own()]))
        return generate_latest(registry).decode()

    async def _delivery(self) -> list[Metric]:
        try:
            numbers = await self._census.take()
            counts = await self._meters.read()
        except StoreUnavailable:
            return list(redis_down())
        return [*gauges(numbers), *counters(counts)]

    async def _sql(self) -> list[Metric]:
        asked_at = self._clock()
        try:
            await self._database.ping()
            took = self._clock() - asked_at
            waiting = await self._files.waiting()
        except RegistryUnavailable:
            return list(sql_gauges(None))
        return [*sql_gauges(took), *file_gauges(waiting, self._clock())]

    def _own(self) -> list[Metric]:
        return list(own_counters(self._meters.own()))


class _Collected:
    """Metrics that are there already, in the form that the library asks for."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
