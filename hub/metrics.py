"""The numbers of the whole hub in Prometheus' text format, whichever web process is asked.

Gauges are read from Redis when they are asked for; counters are added up there by all processes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from delivery.control import Control
from delivery.integration import IntegrationId
from delivery.meters import BOUNDS, Meters
from delivery.status import Health, Status
from hub.registry.integrations import IntegrationRegistry

Healths = Mapping[IntegrationId, Health]


class Metrics:
    """Reads the numbers and writes them down."""

    def __init__(self, integrations: IntegrationRegistry, control: Control, meters: Meters) -> None:
        self._integrations = integrations
        self._control = control
        self._meters = meters

    async def text(self, now: datetime) -> str:
        """Give all numbers in the text format. Raises StoreUnavailable, RegistryUnavailable."""
        healths = await self._control.health(await self._ids())
        counts = await self._meters.read()
        registry = CollectorRegistry()
        registry.register(_Collected([*_gauges(healths, now), *_counters(counts)]))
        return generate_latest(registry).decode()

    async def _ids(self) -> list[IntegrationId]:
        ids: list[IntegrationId] = []
        cursor = None
        while True:
            page = await self._integrations.list_all(cursor=cursor)
            ids.extend(mark.id for mark in page.items if not mark.deleting)
            cursor = page.next
            if cursor is None:
                return ids


class _Collected:
    """Metrics that are there already, in the form that the library asks for."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _gauges(healths: Healths, now: datetime) -> Iterator[Metric]:
    queued = GaugeMetricFamily(
        "hub_statements_queued", "Statements waiting.", labels=["integration"]
    )
    parked = GaugeMetricFamily(
        "hub_statements_parked", "Statements refused and set aside.", labels=["integration"]
    )
    oldest = GaugeMetricFamily(
        "hub_oldest_statement_age_seconds",
        "How long the oldest waiting statement has waited.",
        labels=["integration"],
    )
    status = GaugeMetricFamily(
        "hub_integration_status",
        "1 for the status that holds.",
        labels=["integration", "status"],
    )
    for integration_id, health in healths.items():
        queued.add_metric([integration_id], health.queued)
        parked.add_metric([integration_id], health.parked)
        waited = now - health.oldest_queued_at if health.oldest_queued_at else None
        oldest.add_metric([integration_id], waited.total_seconds() if waited else 0)
        for possible in Status:
            status.add_metric([integration_id, possible], int(health.status is possible))
    yield from (queued, parked, oldest, status)


def _counters(counts: Mapping[str, int]) -> Iterator[Metric]:
    attempts = CounterMetricFamily(
        "hub_attempts", "Requests to LRSs.", labels=["outcome", "status_class"]
    )
    intake = CounterMetricFamily(
        "hub_intake_statements", "Statements handed in.", labels=["result"]
    )
    for name, count in counts.items():
        match name.split("|"):
            case ["attempts", outcome, status_class]:
                attempts.add_metric([outcome, status_class], count)
            case ["intake", result]:
                intake.add_metric([result], count)
            case _:
                continue
    yield attempts
    yield intake
    yield _delivery_time(counts)


def _delivery_time(counts: Mapping[str, int]) -> Metric:
    so_far, buckets = 0, []
    for bound in BOUNDS:
        so_far += counts.get(f"delivery|{bound}", 0)
        seconds = bound if bound == "+Inf" else str(int(bound) / 1000)
        buckets.append((seconds, float(so_far)))
    histogram = HistogramMetricFamily("hub_delivery_seconds", "From accepted to delivered.")
    histogram.add_metric([], buckets, sum_value=counts.get("delivery|sum", 0) / 1000)
    return histogram
