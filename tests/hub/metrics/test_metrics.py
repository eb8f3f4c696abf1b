"""The numbers as a scraper reads them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
import redis.asyncio as aioredis
from prometheus_client.parser import text_string_to_metric_families

from delivery.census import Census, Numbers, Standing
from delivery.facts.integration import IntegrationId
from delivery.facts.server import Server
from delivery.facts.status import Status
from delivery.stores.meters import Meters
from delivery.stores.store import Store
from hub.metrics.gauges import gauges, most_in_need
from hub.metrics.metrics import Metrics
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.sql.database import Database
from hub.registry.sql.migrate import migrate
from tests.fakes.clock import FakeClock

NOW = FakeClock()()
SERVER = Server(1000, 2000, keeps_log=True, last_write_ok=True, answered_in=timedelta())
Samples = dict[tuple[str, ...], float]


class Hub:
    """Stores, and the numbers made of them."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.redis = aioredis.Redis.from_url(redis_url)
        self.meters = Meters(Store(self.redis))
        self.url = f"sqlite:///{folder}/hub.db"
        self.database = Database(self.url)
        clock = FakeClock()
        self.census = Census(Store(self.redis), clock)
        files = SourceFiles(self.database, clock)
        self.metrics = Metrics(self.census, self.meters, self.database, files, clock)

    async def samples(self) -> Samples:
        return read(await self.metrics.text())


@pytest_asyncio.fixture
async def hub(tmp_path: Path, empty_valkey_url: str) -> AsyncIterator[Hub]:
    made = Hub(tmp_path, empty_valkey_url)
    await migrate(made.url)
    yield made
    await made.redis.aclose()
    await made.database.close()


def read(text: str) -> Samples:
    """Give all samples by name and label values, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def standing(number: int, **changes: object) -> Standing:
    facts = {"status": Status.FLOWING, "waiting": 0, "parked": 0, "oldest_since": None}
    return Standing(
        id=IntegrationId(f"of-{number}"),
        last_delivered_at=None,
        **(facts | changes),  # type: ignore[arg-type]  # fields by name
    )


def numbers(*standings: Standing) -> Numbers:
    return Numbers(NOW, standings, {}, 0, 0, SERVER)


async def test_counters_of_all_processes_are_told(hub: Hub) -> None:
    other = Meters(Store(hub.redis))
    for meters in (hub.meters, other):
        meters.count("attempts", "accepted", "2xx", by=3)
        meters.time("attempt", "accepted", took=timedelta(milliseconds=80))
        meters.time("probe", took=timedelta(seconds=2))
        meters.count("tokens", "granted")
        meters.count("mails", "sent")
        meters.count("leases_lost")
        await meters.flush()

    samples = await hub.samples()

    assert samples["hub_attempts_total", "accepted", "2xx"] == 6
    assert samples["hub_attempt_seconds_bucket", "0.1", "accepted"] == 2
    assert samples["hub_attempt_seconds_bucket", "0.05", "accepted"] == 0
    assert samples["hub_attempt_seconds_sum", "accepted"] == 0.16
    assert samples["hub_probe_lateness_seconds_count",] == 2
    assert samples["hub_token_fetches_total", "granted"] == 2
    assert samples["hub_mails_total", "sent"] == 2
    assert samples["hub_leases_lost_total",] == 2
    assert samples["hub_process_attempts_total",] == 3


async def test_what_never_happened_is_there_with_0(hub: Hub) -> None:
    samples = await hub.samples()

    assert samples["hub_leases_lost_total",] == 0
    assert samples["hub_sync_rows_total",] == 0
    assert samples["hub_delivery_seconds_count",] == 0
    assert samples["hub_redis_up",] == 1
    assert samples["hub_sql_up",] == 1
    assert samples["hub_files_waiting",] == 0
    assert samples["hub_oldest_file_age_seconds",] == 0


async def test_a_redis_that_is_away_is_a_number_and_no_error(tmp_path: Path) -> None:
    hub = Hub(tmp_path, "redis://127.0.0.1:1")
    await migrate(hub.url)

    samples = await hub.samples()
    await hub.redis.aclose()
    await hub.database.close()

    assert samples["hub_redis_up",] == 0
    assert samples["hub_sql_up",] == 1
    assert ("hub_statements_queued",) not in samples


async def test_a_database_that_is_away_is_a_number_and_no_error(
    tmp_path: Path, empty_valkey_url: str
) -> None:
    hub = Hub(tmp_path / "not-there", empty_valkey_url)

    samples = await hub.samples()

    assert (samples["hub_sql_up",], samples["hub_redis_up",]) == (0, 1)
    await hub.redis.aclose()
    await hub.database.close()


async def test_scrapes_that_come_together_share_one_reading(hub: Hub) -> None:
    first, second = asyncio.create_task(hub.metrics.text()), asyncio.create_task(hub.metrics.text())
    first.add_done_callback(lambda _: None)

    texts = await asyncio.gather(first, second)

    assert texts[0] is texts[1]
    assert await hub.metrics.text() is not texts[0]


def test_of_too_many_integrations_those_in_need_are_told_and_the_sums_are_of_all() -> None:
    fine = [standing(n) for n in range(3000)]
    waiting = standing(5000, waiting=7, oldest_since=NOW - timedelta(seconds=90))
    refused = standing(5001, status=Status.REFUSED)
    parked = standing(5002, parked=4)
    everybody = [*fine, waiting, refused, parked]

    families = {family.name: family for family in gauges(numbers(*everybody))}

    told = {s.labels["integration"] for s in families["hub_statements_queued"].samples}
    assert len(told) == 1000
    assert {"of-5000", "of-5001", "of-5002"} <= told
    assert families["hub_integrations_untold"].samples[0].value == 2003
    assert families["hub_all_statements_queued"].samples[0].value == 7
    assert families["hub_all_statements_parked"].samples[0].value == 4
    by_status = {s.labels["status"]: s.value for s in families["hub_integrations"].samples}
    assert by_status == {"flowing": 3002, "refused": 1, "down": 0, "disabled": 0}
    ages = {s.labels["status"]: s.value for s in families["hub_oldest_age_seconds"].samples}
    assert ages["flowing"] == 90


def test_who_is_in_trouble_comes_before_who_is_busy() -> None:
    busy, down = standing(1, waiting=10_000), standing(2, status=Status.DOWN)
    parked, calm = standing(3, parked=1), standing(4)

    chosen = most_in_need([calm, busy, parked, down], 3)

    assert chosen == [parked, down, busy]
