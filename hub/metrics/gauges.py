"""How everything stands, as gauges.

At most MOST_TOLD integrations have series of their own, those that need attention first; the sums
are always over all of them, so that no alert depends on who is told of.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily, Metric

from delivery.census import Numbers, Standing
from delivery.facts.server import Server
from delivery.facts.status import Status
from hub.registry.pipeline.file_records import Waiting

MOST_TOLD = 1000
FOUND_BY = ("integration",)


def gauges(numbers: Numbers) -> Iterator[Metric]:
    """Give the gauges of deliveries, workers and Redis."""
    told = most_in_need(numbers.standings, MOST_TOLD)
    yield from _of_each(told, numbers.at)
    yield from _of_all(numbers.standings, len(told), numbers.at)
    yield from _of_workers(numbers)
    yield from _of_server(numbers.server)


def redis_down() -> Iterator[Metric]:
    """Give what is known while Redis is away."""
    yield _one("hub_redis_up", "1 while Redis answers.", 0)


def sql_gauges(took: timedelta | None) -> Iterator[Metric]:
    """Give the gauges of SQL; None if it is away."""
    yield _one("hub_sql_up", "1 while SQL answers.", int(took is not None))
    if took is not None:
        yield _one("hub_sql_ping_seconds", "How long SQL took to answer.", took.total_seconds())


def file_gauges(waiting: Waiting, now: datetime) -> Iterator[Metric]:
    """Give the gauges of files that landed and are not read to their end."""
    yield _one("hub_files_waiting", "Files that are not read to their end.", waiting.files)
    age = max((now - waiting.oldest_since).total_seconds(), 0) if waiting.oldest_since else 0
    yield _one("hub_oldest_file_age_seconds", "How long the oldest of them has waited.", age)


def most_in_need(standings: Sequence[Standing], count: int) -> list[Standing]:
    """Choose those that an operator would look at first."""
    if len(standings) <= count:
        return list(standings)

    def need(one: Standing) -> tuple[bool, int, float]:
        troubled = one.status in {Status.DOWN, Status.REFUSED} or one.parked > 0
        return not troubled, -one.waiting - one.parked, since(one)

    def since(one: Standing) -> float:
        return one.oldest_since.timestamp() if one.oldest_since else float("inf")

    return sorted(standings, key=need)[:count]


def _of_each(told: Sequence[Standing], now: datetime) -> Iterator[Metric]:
    queued = GaugeMetricFamily("hub_statements_queued", "Statements waiting.", labels=FOUND_BY)
    parked = GaugeMetricFamily(
        "hub_statements_parked", "Statements refused and set aside.", labels=FOUND_BY
    )
    oldest = GaugeMetricFamily(
        "hub_oldest_statement_age_seconds",
        "How long the oldest waiting statement has waited.",
        labels=FOUND_BY,
    )
    status = GaugeMetricFamily(
        "hub_integration_status",
        "1 for the status that holds.",
        labels=["integration", "status"],
    )
    for one in told:
        queued.add_metric([one.id], one.waiting)
        parked.add_metric([one.id], one.parked)
        oldest.add_metric([one.id], _age(one, now))
        for possible in Status:
            status.add_metric([one.id, possible], int(one.status is possible))
    yield from (queued, parked, oldest, status)


def _of_all(standings: Sequence[Standing], told: int, now: datetime) -> Iterator[Metric]:
    by_status = Counter(one.status for one in standings)
    integrations = GaugeMetricFamily(
        "hub_integrations", "Integrations, by status.", labels=["status"]
    )
    oldest = GaugeMetricFamily(
        "hub_oldest_age_seconds",
        "How long the oldest waiting statement of all has waited, by status.",
        labels=["status"],
    )
    for status in Status:
        integrations.add_metric([status], by_status[status])
        ages = [_age(one, now) for one in standings if one.status is status]
        oldest.add_metric([status], max(ages, default=0))
    yield integrations
    yield oldest
    waiting, parked = sum(s.waiting for s in standings), sum(s.parked for s in standings)
    yield _one("hub_all_statements_queued", "Statements waiting, in all.", waiting)
    yield _one("hub_all_statements_parked", "Statements set aside, in all.", parked)
    yield _one(
        "hub_integrations_untold",
        "Integrations without series of their own; the sums count them.",
        len(standings) - told,
    )


def _of_workers(numbers: Numbers) -> Iterator[Metric]:
    yield _one("hub_workers", "Worker processes that beat.", numbers.alive)
    newest = max(numbers.beats.values(), default=None)
    if newest is not None:
        silence = (numbers.at - newest).total_seconds()
        yield _one("hub_worker_beat_age_seconds", "Since any worker beat.", silence)
    yield _one(
        "hub_overdue_integrations",
        "Integrations that were due long ago and that no worker has claimed.",
        numbers.overdue,
    )
    yield _one("hub_operations", "Replays, releases and discards under way.", numbers.operations)


def _of_server(server: Server) -> Iterator[Metric]:
    yield _one("hub_redis_up", "1 while Redis answers.", 1)
    yield _one("hub_redis_ping_seconds", "How long Redis took.", server.answered_in.total_seconds())
    yield _one("hub_redis_memory_bytes", "Memory that Redis uses.", server.memory_bytes)
    yield _one(
        "hub_redis_memory_limit_bytes",
        "Memory that Redis may use; 0 without a limit.",
        server.memory_limit_bytes,
    )
    yield _one(
        "hub_redis_keeps_log", "1 if Redis writes an append-only file.", int(server.keeps_log)
    )
    yield _one(
        "hub_redis_last_write_ok",
        "0 if Redis could not write to its disk.",
        int(server.last_write_ok),
    )


def _one(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _age(one: Standing, now: datetime) -> float:
    return max((now - one.oldest_since).total_seconds(), 0) if one.oldest_since else 0
