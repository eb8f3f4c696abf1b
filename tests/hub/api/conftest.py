"""The whole application in process: a real registry on SQLite, real delivery on a fake Redis."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path

import fakeredis
import httpx
import pytest

from config.sandbox.server import Addresses, listening
from config.sandbox.state import Sandbox
from delivery.control import Control
from delivery.history import History
from delivery.intake import Intake
from delivery.mails.alerts import MailRecords
from delivery.operations import Operations
from delivery.stores.archive import Archive
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Journal
from delivery.stores.meters import Meters
from delivery.stores.operation_store import OperationStore
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipts
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.tokens.oauth import Tokens
from delivery.wire.egress import Egress
from delivery.wire.lrs import Lrs
from delivery.work.rehearsal import Rehearsal
from hub.api.app import build
from hub.api.house import House, Limits
from hub.api.known import (
    KnownIntegrations,
    KnownSources,
    looking_for_sources,
    looking_in,
)
from hub.landing.folder import FolderLanding
from hub.pipeline.arriving.fetching import Fetching
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.chunks.lookups import Lookups
from hub.pipeline.chunks.milling import Milling
from hub.pipeline.chunks.table_files import TableFiles
from hub.registry.clearing_house.event_completions import EventCompletions
from hub.registry.clearing_house.events import Events
from hub.registry.clearing_house.subscriptions import Subscriptions
from hub.registry.clearing_house.sync_batches import SyncBatches
from hub.registry.clearing_house.syncs import Syncs
from hub.registry.parties.caller import Right
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.keys import Keys
from hub.registry.parties.notices import Notices
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, Providers
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import Sources
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from hub.registry.sql.migrate import migrate
from hub.registry.trust.audit import Audit
from hub.registry.trust.vault import Vault
from hub.sync.gathering import Bounds
from hub.sync.learning_builder import LearningBuilder
from hub.sync.posting import Posting
from hub.sync.publisher_part import Tools
from hub.sync.running import Running
from hub.sync.synchronizer import Synchronizer
from hub.sync.telling import Telling
from hub.templates.renderer import Renderer
from hub.upkeep import Upkeep
from hub.xapi.rules import ActorId, ObjectId
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.notes import Notes
from tests.fakes.pepper import FixedPepper
from tests.fakes.sealer import PlainSealer

RECEIPT_AGE = timedelta(days=7)
WITHIN = timedelta(seconds=5)
SECRET_KEY, PEPPER = b"k" * 32, b"p" * 32
LOOPBACK = IPv4Network("127.0.0.0/8")


@dataclass
class Hub:
    """The application, and what stands behind it."""

    house: House
    redis: fakeredis.FakeServer
    doorbell: FakeDoorbell
    clock: FakeClock
    system: httpx.AsyncClient
    """Sends a SYSTEM key with every request."""
    acme: httpx.AsyncClient
    """Sends a key that may write to the program ACME."""
    reader: httpx.AsyncClient
    """Sends a key that may only read the program ACME."""
    other: httpx.AsyncClient
    """Sends a key of another program."""
    nobody: httpx.AsyncClient
    """Sends no key."""

    async def integrate(self, provider: str = "lms", **fields: object) -> str:
        """Make an integration of ACME; its id."""
        answer = await self.acme.post(
            "/api/programs/ACME/integrations", json=an_integration(provider=provider, **fields)
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def an_integration(**fields: object) -> dict[str, object]:
    return {
        "name": "Acme to the LMS",
        "provider": "lms",
        "technicalEmails": ["ops@example.org"],
        "statementUrl": "https://lrs.example.org/xapi/statements",
        "authenticationUrl": "https://lrs.example.org/oauth/token",
        "clientId": "acme",
        "clientSecret": "s3cr3t",
        **fields,
    }


def a_statement(**members: object) -> dict[str, object]:
    return {
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://example.org/courses/1"},
        **members,
    }


def errors_of(answer: httpx.Response) -> dict[str, str]:
    """Give the errors of a problem, after checking that it is one and leaks nothing."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text
    content = answer.json()
    assert content["status"] == answer.status_code
    assert content["title"]
    return {error["pointer"]: error["detail"] for error in content.get("errors", [])}


@dataclass(frozen=True)
class Seed:
    """A database with programs, providers and keys, to be copied; and how to show the keys."""

    path: Path
    auths: list[httpx.BasicAuth | None]


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Seed:
    path = tmp_path_factory.mktemp("api") / "seed.db"
    return Seed(path, asyncio.run(_seed(f"sqlite:///{path}")))


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(seed: Seed, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{shutil.copy(seed.path, tmp_path / 'registry.db')}")
    yield database
    await database.close()


@pytest.fixture
def redis_server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture
def limits() -> Limits:
    return Limits(max_body_bytes=20_000, max_batch=10, max_file_bytes=60_000)


@pytest.fixture
def allowed() -> list[IPv4Network]:
    """Where addresses in forms may lead to, although they are private."""
    return []


@pytest.fixture
async def rehearsing(
    redis_server: fakeredis.FakeServer, clock: FakeClock, tls: ssl.SSLContext
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client that may go to loopback, as rehearsals do here."""
    async with Egress([LOOPBACK], tls=tls).open_client(timeout=WITHIN) as client:
        yield client


@pytest.fixture
async def hub(
    seed: Seed,
    database: Database,
    clock: FakeClock,
    redis_server: fakeredis.FakeServer,
    rehearsing: httpx.AsyncClient,
    tls: ssl.SSLContext,
    limits: Limits,
    allowed: list[IPv4Network],
    tmp_path: Path,
) -> AsyncIterator[Hub]:
    doorbell = FakeDoorbell()
    renderer = Renderer()
    redis = fakeredis.FakeAsyncRedis(server=redis_server)
    store = Store(redis)
    vault = Vault([SECRET_KEY])
    providers = Providers(database, clock)
    integrations = IntegrationRegistry(database, vault, clock)
    tokens = Tokens(redis, rehearsing, PlainSealer(), integrations, clock, WITHIN)
    lrs = Lrs(rehearsing, within=WITHIN, clock=clock)
    control = _control(store, doorbell, clock)
    syncing = _syncing(database, vault, clock, renderer, rehearsing)
    landing = FolderLanding(tmp_path / "landing")
    source_files = SourceFiles(database, clock)
    sources = Sources(database, vault, clock)
    milling = Milling(tmp_path / "recipes")
    house = House(
        programs=Programs(database, vault, clock),
        keys=Keys(database, FixedPepper(PEPPER), clock),
        providers=providers,
        integrations=integrations,
        audit=Audit(database),
        events=Events(database, clock),
        subscriptions=Subscriptions(database, clock),
        renderer=renderer,
        event_completions=EventCompletions(database, clock),
        notices=Notices(database, clock),
        syncs=Syncs(database, clock),
        sync_batches=SyncBatches(database, clock),
        synchronizer=syncing,
        known=KnownIntegrations(looking_in(integrations, providers), clock),
        known_sources=KnownSources(looking_for_sources(sources), clock),
        intake=Intake(store, Headroom(store), doorbell, Meters(store), clock, 100),
        control=control,
        history=History(store, clock),
        operations=Operations(
            store,
            OperationStore(store, clock),
            Archive(store, clock, RECEIPT_AGE),
            Journal(store),
            clock,
        ),
        upkeep=Upkeep(integrations, control),
        rehearsal=Rehearsal(Egress([LOOPBACK], tls=tls), tokens, lrs, within=WITHIN),
        egress=Egress(allowed, tls=tls),
        sources=sources,
        source_files=source_files,
        landing=landing,
        receiving=Receiving(landing, source_files, clock, tmp_path / "spool", 50_000),
        milling=milling,
        fetching=Fetching(rehearsing, WITHIN, clock),
        lookups=Lookups(sources, source_files, landing, TableFiles(tmp_path / "tables", clock)),
        bucket_folders=(str(tmp_path / "inbox"),),
        clock=clock,
        metrics=_metrics,
        limits=limits,
    )
    transport = httpx.ASGITransport(build(house))
    clients = [
        httpx.AsyncClient(transport=transport, base_url="http://hub", auth=auth)
        for auth in seed.auths
    ]
    yield Hub(house, redis_server, doorbell, clock, *clients)
    for client in clients:
        await client.aclose()
    redis_server.connected = True
    await syncing.finish()
    await milling.close()
    await renderer.close()
    await redis.aclose()


@pytest.fixture
def sandbox(hub: Hub) -> Sandbox:
    """Give an LRS to rehearse against."""
    return Sandbox(hub.clock)


@pytest.fixture
async def addresses(sandbox: Sandbox) -> AsyncIterator[Addresses]:
    """Let the sandbox listen on loopback; where it does."""
    async with listening(sandbox, smtp_port=None) as at:
        yield at


def _control(store: Store, doorbell: FakeDoorbell, clock: FakeClock) -> Control:
    return Control(
        store=store,
        states=StatusStore(store, clock),
        receipts=Receipts(store),
        journal=Journal(store),
        parked_statements=ParkedStatements(store, clock, RECEIPT_AGE),
        mail_records=MailRecords(store),
        doorbell=doorbell,
        clock=clock,
        receipt_age=RECEIPT_AGE,
    )


def _syncing(
    database: Database,
    vault: Vault,
    clock: FakeClock,
    renderer: Renderer,
    client: httpx.AsyncClient,
) -> Running:
    batches = SyncBatches(database, clock)
    posting = Posting(batches, LearningBuilder(client, within=WITHIN))
    return Running(
        Synchronizer(
            programs=Programs(database, vault, clock),
            subscriptions=Subscriptions(database, clock),
            leases=SqlLeases(database, clock),
            syncs=Syncs(database, clock),
            tools=Tools(Events(database, clock), batches, renderer, posting, Bounds(rows=5)),
            telling=Telling(Notes()),
            clock=clock,
            name="test",
        )
    )


async def _metrics() -> str:
    return "hub_statements_queued 0\n"


async def _seed(url: str) -> list[httpx.BasicAuth | None]:
    """Make two programs, two providers and four keys; how each client shows its own."""
    await migrate(url)
    database, clock = Database(url), FakeClock()
    programs, providers = Programs(database, Vault([SECRET_KEY]), clock), Providers(database, clock)
    keys = Keys(database, FixedPepper(PEPPER), clock)
    for program in ("ACME", "OTHER"):
        await programs.create(program, program.title(), by="test")
    for provider in (
        Provider("lms", "An LMS"),
        Provider("sso", "By SSO", actor_id=ActorId.SSO, object_id=ObjectId.UUID),
    ):
        await providers.create(provider, by="test")
    created = [
        await keys.create("admin", system=True, by="test"),
        await keys.create("acme", rights={"ACME": Right.WRITE}, by="test"),
        await keys.create("reader", rights={"ACME": Right.READ}, by="test"),
        await keys.create("other", rights={"OTHER": Right.WRITE}, by="test"),
    ]
    await database.close()
    return [*(httpx.BasicAuth(key.record.user_id, key.api_key) for key in created), None]
