"""Each alert rule fires for what it is about, and for nothing else, in a real Prometheus."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from config import clock
from config.listening import free_port
from delivery.census import Numbers, Standing
from delivery.facts.integration import IntegrationId
from delivery.facts.server import Server
from delivery.facts.status import Status
from hub.metrics.counters import counters, own_counters
from hub.metrics.gauges import file_gauges, gauges, redis_down, sql_gauges
from hub.registry.pipeline.file_records import Waiting
from tests.deploy.prometheus import HOST, ROOT, RULES, prometheus
from tests.waiting import until

pytestmark = pytest.mark.slow
DAY = timedelta(days=1)
FINE = Server(10, 100, keeps_log=True, last_write_ok=True, answered_in=timedelta())
NONE_WAIT = Waiting(0, None)


@dataclass
class Hub:
    """The numbers of a hub that is well; each scrape asks for them anew."""

    server: Server = FINE
    standings: list[Standing] = field(default_factory=list)
    workers: int = 1
    overdue: int = 0
    redis: bool = True
    sql: bool = True
    files: Waiting = NONE_WAIT
    stalled: bool = False
    growing: dict[str, int] = field(default_factory=dict)
    """How much each counter grows with every scrape."""
    counts: Counter[str] = field(default_factory=Counter)

    def text(self) -> bytes:
        now = clock.now()
        self.counts.update(self.growing)
        beats = {str(number): now for number in range(self.workers)}
        numbers = Numbers(now, self.standings, beats, self.overdue, 0, self.server)
        found: list[Metric] = [
            *(gauges(numbers) if self.redis else redis_down()),
            *(counters(self.counts) if self.redis else ()),
            *sql_gauges(timedelta() if self.sql else None),
            *(file_gauges(self.files, now) if self.sql else ()),
            *own_counters(self.counts),
            GaugeMetricFamily("hub_process_stalled", "", value=int(self.stalled)),
        ]
        registry = CollectorRegistry()
        registry.register(Given(found))
        return generate_latest(registry)


class Given:
    """Metrics that are there already."""

    def __init__(self, found: list[Metric]) -> None:
        self.found = found

    def collect(self) -> list[Metric]:
        return self.found


def standing(status: Status, *, waits: timedelta | None = None, parked: int = 0) -> Standing:
    since: datetime | None = clock.now() - waits if waits else None
    return Standing(IntegrationId("acme"), status, int(waits is not None), parked, since, None)


@contextmanager
def served(hub: Hub) -> Iterator[str]:
    """Serve its numbers; the address."""

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = hub.text()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the hook's name
            pass

    server = ThreadingHTTPServer((HOST, 0), Asked)
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield f"{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Make = Callable[[], Hub]
CASES: dict[str, Make] = {
    "RedisDown": lambda: Hub(redis=False),
    "SqlDown": lambda: Hub(sql=False),
    "NoWorker": lambda: Hub(workers=0),
    "DeliveryStandsStill": lambda: Hub(overdue=3),
    "RedisCannotWrite": lambda: Hub(server=replace(FINE, last_write_ok=False)),
    "IntakeRefusing": lambda: Hub(growing={"intake|full": 5, "intake|no_memory": 1}),
    "RedisMemoryShort": lambda: Hub(server=replace(FINE, memory_bytes=85)),
    "RedisKeepsNoLog": lambda: Hub(server=replace(FINE, keeps_log=False)),
    "WorkerStalled": lambda: Hub(stalled=True),
    "IntegrationBehind": lambda: Hub(
        standings=[standing(Status.FLOWING, waits=timedelta(minutes=16))]
    ),
    "IntegrationDownLong": lambda: Hub(standings=[standing(Status.DOWN, waits=1.1 * DAY)]),
    "IntegrationRefused": lambda: Hub(standings=[standing(Status.REFUSED, waits=DAY)]),
    "StatementsParked": lambda: Hub(standings=[standing(Status.FLOWING, parked=2)]),
    "ProbesLate": lambda: Hub(growing={"probe|60000": 9, "probe|sum": 9 * 50_000}),
    "LeasesLost": lambda: Hub(growing={"leases_lost": 4}),
    "MailsFailing": lambda: Hub(growing={"mails|deferred": 1, "mails|sent": 1}),
    "FilesStandStill": lambda: Hub(files=Waiting(2, clock.now() - timedelta(hours=2))),
    "FilesFailing": lambda: Hub(growing={"files|failed": 1, "files|done": 9}),
    "SyncsFailing": lambda: Hub(growing={"syncs|failed": 1, "syncs|succeeded": 3}),
}
"""What makes each rule fire, but for the one about a hub that does not answer at all."""


def names() -> list[str]:
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def test_every_rule_has_a_case() -> None:
    assert sorted({*CASES, "HubDown"}) == sorted(names())


@pytest.mark.parametrize("name", CASES)
async def test_a_rule_fires_for_its_cause_and_no_other_does(name: str, tmp_path: Path) -> None:
    with served(CASES[name]()) as target:
        async with prometheus(tmp_path / "p", [target]) as server:

            async def fires() -> bool:
                return await server.firing() == {name}

            await until(fires, within=20, what=f"the alert {name}")
            several = await server.samples() + 3

            async def has_looked_again() -> bool:
                return await server.samples() >= several

            await until(has_looked_again, within=20, what="further scrapes")
            assert await server.firing() == {name}


async def test_nothing_fires_while_all_is_well_though_servers_of_customers_are_down(
    tmp_path: Path,
) -> None:
    well = Hub(
        standings=[
            standing(Status.FLOWING, waits=timedelta(seconds=9)),
            standing(Status.DOWN, waits=timedelta(hours=3)),
            standing(Status.DISABLED, waits=9 * DAY),
        ],
        growing={
            "attempts|accepted|2xx": 9,
            "attempts|unavailable|5xx": 9,
            "intake|accepted": 5,
            "mails|sent": 1,
            "probe|10": 3,
            "probe|sum": 3,
            "syncs|succeeded": 1,
        },
    )
    with served(well) as target:
        async with prometheus(tmp_path / "p", [target]) as server:

            async def has_looked() -> bool:
                return await server.samples() >= 10

            await until(has_looked, within=20, what="ten scrapes")
            assert await server.firing() == set()


async def test_a_hub_that_does_not_answer_is_told(tmp_path: Path) -> None:
    async with prometheus(tmp_path / "p", [f"{HOST}:{free_port(HOST)}"]) as server:

        async def fires() -> bool:
            return await server.firing() == {"HubDown"}

        await until(fires, within=20, what="the alert HubDown")


async def test_rules_and_panels_ask_for_metrics_that_are_there(tmp_path: Path) -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/learning-hub.json").read_text())
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    known = set(re.findall(r"^(hub_\w+)", Hub().text().decode(), re.MULTILINE))
    busy = Hub(
        standings=[standing(Status.FLOWING)],
        growing=dict.fromkeys(
            (
                *("attempts|accepted|2xx", "attempt|accepted|10", "attempt|accepted|sum"),
                *("intake|accepted", "mails|sent", "tokens|granted", "rings|sent"),
                *("syncs|failed", "conversions|made", "files|failed", "records|made"),
            ),
            1,
        ),
    )
    known |= set(re.findall(r"^(hub_\w+)", busy.text().decode(), re.MULTILINE))
    async with prometheus(tmp_path / "p", []) as server:
        rules = [str(rule["query"]) for rule in await server.rules()]
        unread = [one for one in panels if not await server.understands(one)]

    asked = {name for one in (*rules, *panels) for name in re.findall(r"\bhub_\w+", one)}
    assert asked - known == set()
    assert unread == []
    assert len(panels) >= 20


def test_every_alert_has_its_page_in_the_runbook() -> None:
    operations = (ROOT / "OPERATIONS.md").read_text()
    told = RULES.read_text()

    for name in names():
        assert f"### {name}\n" in operations
        assert f'runbook: "OPERATIONS.md#{name.lower()}"' in told
