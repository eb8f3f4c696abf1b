"""A running hub as its users meet it: over HTTP, with a key for each kind of caller."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx

from config import clock
from config.sandbox.imports import API_KEY
from config.settings import Settings, load
from config.wiring import open_registry
from hub.registry.parties.caller import Right
from tests.faults.stack import Stack, open_house, prepare

LB_KEY = API_KEY
EVERYTHING = {
    "*": {
        "label": "Import everything",
        "importProcessId": 7,
        "batchRowTemplate": '{"Course": "{{course.name}}", "By": "{{email}}"}',
    }
}

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Programs:
    """Programs that no other test knows."""

    publisher: str
    subscriber: str
    stranger: str


@dataclass(frozen=True, slots=True)
class LearningHub:
    """A web process, and clients that each show another key."""

    stack: Stack
    programs: Programs
    system: httpx.AsyncClient
    publisher: httpx.AsyncClient
    """May write to the publisher."""
    publisher_reader: httpx.AsyncClient
    subscriber: httpx.AsyncClient
    """May write to the subscriber."""
    subscriber_reader: httpx.AsyncClient
    stranger: httpx.AsyncClient
    """May write to a program that has nothing to do with the others."""
    revoked: httpx.AsyncClient
    """Was a SYSTEM key."""
    expired: httpx.AsyncClient
    """Was a SYSTEM key."""
    nobody: httpx.AsyncClient
    """Shows no key."""

    @property
    def learningbuilder_url(self) -> str:
        """Where the sandbox takes batches."""
        return self.stack.to_lrs.url

    async def publish(self, **changes: object) -> str:
        """Publish an event; its id."""
        posted = await self.publisher.post("/api/events", json=self.an_event(**changes))
        assert posted.status_code == 201, posted.text
        return posted.headers["Location"].removeprefix("/events/")

    async def subscribe(self, **changes: object) -> None:
        """Subscribe the subscriber to the publisher."""
        posted = await self.system.post(
            f"/api/programs/{self.programs.subscriber}/eventSubs",
            json={
                "PublisherProgramId": self.programs.publisher,
                "SyncEnabled": True,
                "LbApiPayloadTemplate": EVERYTHING,
                **changes,
            },
        )
        assert posted.status_code == 201, posted.text

    def an_event(self, **changes: object) -> dict[str, object]:
        """Give an event of the publisher, as it is handed in."""
        return an_event(self.programs.publisher, **changes)


def an_event(program_id: str, **changes: object) -> dict[str, object]:
    """Give an event as it is handed in; what is changed to None is left out."""
    event: dict[str, object] = {
        "PublisherProgramId": program_id,
        "PublisherEventId": "AI:1234",
        "EventType": "AI_COMP_SUCCESS",
        "PublisherParticipantId": "ann@example.org",
        "PublisherEventCategory": {"value": "COURSE", "label": "A course"},
        "PublisherEventData": {"course": {"name": "On Engines"}, "email": "ann@example.org"},
        "EventStartUtc": "2026-01-31T12:00:00Z",
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


@asynccontextmanager
async def running_web(folder: Path, database_url: str | None) -> AsyncIterator[Stack]:
    """Bring up Valkey, the sandbox and a web process; on SQLite without a URL."""
    settings = {"database_url": database_url} if database_url else {}
    (folder / "prepared").mkdir()
    prepared = await prepare(folder / "prepared", **settings)
    async with open_house(prepared, folder / "house", **settings) as stack:
        await stack.start_web()
        yield stack


@asynccontextmanager
async def callers(stack: Stack) -> AsyncIterator[LearningHub]:
    """Make three programs and a key for each kind of caller."""
    number = next(_numbers)
    programs = Programs(f"PUB{number}", f"SUB{number}", f"ODD{number}")
    async with AsyncExitStack() as open_clients:
        auths = await _make(stack.environ, programs)
        clients = {
            name: await open_clients.enter_async_context(
                httpx.AsyncClient(
                    base_url=stack.client.base_url, auth=auth, timeout=30, trust_env=False
                )
            )
            for name, auth in auths.items()
        }
        yield LearningHub(stack, programs, **clients)


async def _make(
    environ: Mapping[str, str], programs: Programs
) -> dict[str, httpx.BasicAuth | None]:
    settings: Settings = load(environ)
    write, read = Right.WRITE, Right.READ
    async with open_registry(settings) as registry:
        for program in (programs.publisher, programs.subscriber, programs.stranger):
            await registry.programs.create(program, program.title(), by="test")
        made = {
            "system": await registry.keys.create("admin", system=True, by="test"),
            "revoked": await registry.keys.create("gone", system=True, by="test"),
            "expired": await registry.keys.create(
                "late", system=True, expires_at=clock.now() - timedelta(days=1), by="test"
            ),
        }
        await registry.keys.revoke(made["revoked"].record.id, by="test")
        for name, rights in {
            "publisher": {programs.publisher: write},
            "publisher_reader": {programs.publisher: read},
            "subscriber": {programs.subscriber: write},
            "subscriber_reader": {programs.subscriber: read},
            "stranger": {programs.stranger: write},
        }.items():
            made[name] = await registry.keys.create(name, rights=rights, by="test")
    auths: dict[str, httpx.BasicAuth | None] = {
        name: httpx.BasicAuth(key.record.user_id, key.api_key) for name, key in made.items()
    }
    return auths | {"nobody": None}
