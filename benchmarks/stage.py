"""The product on a stage: a fresh data folder, the embedded Valkey with fsync, and its processes.

Statements get into a queue by delivery's own front door, intake; web and worker are the real
commands, one process each.
"""

import asyncio
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.processes import Sink, answers, open_sink, started
from benchmarks.statements import statements
from config import clock, wiring
from config.listening import free_port
from config.run import hub
from config.settings import Settings, load
from config.valkey import EmbeddedValkey
from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from delivery.intake import Intake
from delivery.stores.headroom import Headroom
from delivery.work.heartbeat import last_beat
from hub.registry.parties.integrations import NewIntegration
from hub.registry.parties.providers import Provider
from hub.registry.sql.migrate import migrate

HOST = "127.0.0.1"
PROGRAM, PROVIDER, USER = "SPEED", "sink", "benchmark"
FILL_WITH = 500
FILL_AT_ONCE = 8
ANY_NUMBER = 10_000_000


@dataclass(slots=True)
class Stage:
    """Everything that a measurement needs."""

    settings: Settings
    environ: dict[str, str]
    redis_url: str
    sink: Sink
    registry: wiring.Registry
    delivery: wiring.Delivery
    connected: int = 0

    @property
    def web_url(self) -> str:
        """Where web listens, while it runs."""
        return f"http://{HOST}:{self.settings.port}"

    async def connect(
        self, *, batch_size: int = 1, concurrency: int = 1, enabled: bool = True
    ) -> IntegrationId:
        """Connect a new integration to the sink."""
        self.connected += 1
        provider = f"{PROVIDER}-{self.connected}"
        await self.registry.providers.create(Provider(provider, "Sink"), by=USER)
        record = await self.registry.integrations.create(
            PROGRAM,
            NewIntegration(
                name="Sink",
                provider=provider,
                technical_emails=("contact@example.org",),
                statement_url=self.sink.statements_url,
                authentication_url=f"{self.sink.url}/token",
                client_id="benchmark",
                client_secret="benchmark-secret",  # noqa: S106 - the sink lets everybody in
                batch_size=batch_size,
                concurrency=concurrency,
                enabled=enabled,
            ),
            by=USER,
        )
        await self._tell(record.id)
        return record.id

    async def enable(self, integration_id: IntegrationId) -> None:
        """Let the statements of an integration flow."""
        await self.registry.integrations.change(integration_id, {"enabled": True}, by=USER)
        await self._tell(integration_id)

    def intake(self) -> Intake:
        """Give an intake that takes any number."""
        delivery = self.delivery
        return Intake(
            delivery.store,
            Headroom(delivery.store),
            delivery.bell,
            delivery.meters,
            clock.now,
            max_queue=ANY_NUMBER,
        )

    async def fill(self, integration_id: IntegrationId, count: int) -> None:
        """Put so many statements into a queue, through intake."""
        intake = self.intake()
        chunks = iter(range(0, count, FILL_WITH))
        while together := list(islice(chunks, FILL_AT_ONCE)):
            await asyncio.gather(
                *(
                    _accept(intake, integration_id, statements(min(FILL_WITH, count - start)))
                    for start in together
                )
            )

    async def api_key(self) -> str:
        """Make a key that may do everything."""
        return (await self.registry.keys.create(USER, system=True, by=USER)).api_key

    async def clear(self) -> None:
        """Empty Redis, so that every run finds the same."""
        await self.delivery.redis.flushall()

    @asynccontextmanager
    async def worker(self, *argv: str) -> AsyncIterator[Process]:
        """Run one worker process; ready when its clock has beaten."""
        began = clock.now()
        async with started(
            *(argv or (*hub(), "worker", "--processes", "1")), environ=self.environ
        ) as process:
            while (beat := await last_beat(self.delivery.store)) is None or beat < began:  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.05)
            yield process

    @asynccontextmanager
    async def web(self, *argv: str) -> AsyncIterator[Process]:
        """Run one web process."""
        async with started(*(argv or (*hub(), "web")), environ=self.environ) as process:
            await answers(f"{self.web_url}/healthz")
            yield process

    async def _tell(self, integration_id: IntegrationId) -> None:
        integration = await self.registry.integrations.find(integration_id)
        if integration is None:
            raise AssertionError("an integration that was just made is there")
        await self.delivery.control.apply(integration)


async def _accept(intake: Intake, integration_id: IntegrationId, made: Sequence[Statement]) -> None:
    while True:
        try:
            await intake.accept(integration_id, made)
        except StoreUnavailable:
            # On a busy machine Redis may take its time; to repeat is what an upstream would do.
            continue
        return


@asynccontextmanager
async def open_stage(**given: str) -> AsyncIterator[Stage]:
    """Set the stage in a temporary folder, and clear it away afterwards; `given` are settings."""
    with tempfile.TemporaryDirectory(prefix="hub-benchmark-") as folder:
        environ = {
            "HUB_DATA_DIR": folder,
            "HUB_HOST": HOST,
            "HUB_PORT": str(free_port(HOST)),
            "HUB_EGRESS_ALLOW": "127.0.0.0/8",
            "HUB_LOG_LEVEL": "warning",
            **given,
        }
        settings = load(environ)
        valkey = EmbeddedValkey(Path(folder) / "valkey")
        await valkey.start()
        try:
            await migrate(settings.database_url)
            async with (
                open_sink() as sink,
                wiring.open_registry(settings) as registry,
                wiring.open_delivery(settings, registry) as delivery,
            ):
                await registry.programs.create(PROGRAM, "Speed", by=USER)
                yield Stage(settings, environ, valkey.url, sink, registry, delivery)
        finally:
            await valkey.stop()
