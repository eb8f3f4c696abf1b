"""What `make run` shows: a completion on its way into an LRS, and how to go on from there.

Everything is made once and found again: a second start goes on with the same key, the same
integration and the same completion. What has to be remembered stands in `demo.json` in the data
folder, readable by its owner only, because the API key is in it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from config import clock, wiring
from config.demo_story import Story
from config.errors import DemoFailed
from config.listening import free_port, is_free
from config.private_file import replace_private
from config.run import near
from config.settings import Settings
from hub.registry.parties.providers import Provider

HOST = "127.0.0.1"
PROGRAM = "DEMO"
PROVIDER = "sandbox"
USER = "demo"
SANDBOX_PORT = 8090
SMTP_PORT = 8025
LOOPBACK = "127.0.0.0/8,::1/128"
PATIENCE = timedelta(seconds=30)

IDS = TypeAdapter(list[str])


class Memory(BaseModel):
    """What one start of the demo has to know of the one before."""

    model_config = ConfigDict(frozen=True)

    sandbox_port: int
    smtp_port: int
    completed_at: datetime
    api_key: str | None = Field(None, repr=False)
    statement_id: str | None = None

    @property
    def sandbox(self) -> str:
        """Where the sandbox is."""
        return f"http://{HOST}:{self.sandbox_port}"

    def environ(self, settings: Settings) -> dict[str, str]:
        """Give the settings that the demo brings, where nobody has chosen others."""
        brought = {
            "egress_allow": ("HUB_EGRESS_ALLOW", LOOPBACK),
            "smtp_url": ("HUB_SMTP_URL", f"smtp://{HOST}:{self.smtp_port}"),
            "log_level": ("HUB_LOG_LEVEL", "warning"),
        }
        return dict(pair for name, pair in brought.items() if name not in settings.model_fields_set)


class Accepted(BaseModel):
    """One statement that a completion became."""

    statement_id: str = Field(alias="statementId")


class CompletionAnswer(BaseModel):
    """What the hub says to a completion."""

    accepted: list[Accepted]


class IntegrationAnswer(BaseModel):
    """What the demo looks at in an integration."""

    id: str
    provider: str
    statement_url: str = Field(alias="statementUrl")


class IntegrationsAnswer(BaseModel):
    """A list of integrations."""

    items: list[IntegrationAnswer]


class StatementAnswer(BaseModel):
    """What became of a statement."""

    state: str
    accepted_at: datetime = Field(alias="acceptedAt")
    delivered_at: datetime | None = Field(None, alias="deliveredAt")


def remember(settings: Settings) -> Memory:
    """Read what the last start left, and see to ports that are free now."""
    path = _path(settings)
    memory = (
        Memory.model_validate_json(path.read_bytes())
        if path.exists()
        else Memory(sandbox_port=SANDBOX_PORT, smtp_port=SMTP_PORT, completed_at=clock.now())
    )
    return memory.model_copy(
        update={
            "sandbox_port": _usable(memory.sandbox_port),
            "smtp_port": _usable(memory.smtp_port),
        }
    )


@dataclass(slots=True)
class Demo:
    """One showing, on a house that is up."""

    settings: Settings
    memory: Memory
    story: Story

    async def show(self) -> None:
        """Make what is missing, let a completion travel, and tell all about it."""
        self.story.begin(self.settings)
        self._keep()
        await self._make_registry()
        async with httpx.AsyncClient(
            base_url=near(self.settings),
            auth=(USER, self.memory.api_key or ""),
            timeout=10,
            trust_env=False,
        ) as client:
            await self._show_on(Api(client))

    async def _show_on(self, api: "Api") -> None:
        integration = await self._integration(api)
        self.story.connected(PROGRAM, integration.id, self.memory.sandbox)
        if self.memory.statement_id is None:
            await self._travel(api)
        else:
            self.story.resumed()
        await self._arrived(api, integration.id)
        hub, sandbox, key = near(self.settings), self.memory.sandbox, self.memory.api_key or ""
        self.story.addresses(hub, sandbox, key)
        self.story.to_try(hub, sandbox, integration.id, key)

    async def _make_registry(self) -> None:
        async with wiring.open_registry(self.settings) as registry:
            if await registry.programs.find(PROGRAM) is None:
                await registry.programs.create(PROGRAM, name="Demonstration", by=USER)
            if await registry.providers.find(PROVIDER) is None:
                await registry.providers.create(Provider(PROVIDER, "Sandbox LRS"), by=USER)
            known = self.memory.api_key
            if known is None or await registry.keys.verify(USER, known) is None:
                made = await registry.keys.create(USER, system=True, by=USER)
                self._keep(api_key=made.api_key)

    async def _integration(self, api: "Api") -> IntegrationAnswer:
        path = f"/api/programs/{PROGRAM}/integrations"
        listed = IntegrationsAnswer.model_validate_json(await api.get(path))
        addresses: dict[str, JsonValue] = {
            "statementUrl": f"{self.memory.sandbox}/xapi/statements",
            "authenticationUrl": f"{self.memory.sandbox}/oauth/token",
        }
        for found in listed.items:
            if found.provider == PROVIDER:
                if found.statement_url != addresses["statementUrl"]:
                    await api.send("PATCH", f"/api/integrations/{found.id}", addresses)
                return found
        made = await api.send(
            "POST",
            path,
            {
                "name": "Sandbox",
                "provider": PROVIDER,
                "technicalEmails": ["technical.contact@example.org"],
                "clientId": "sandbox",
                "clientSecret": "sandbox-secret",
                "status": "active",
                **addresses,
            },
        )
        return IntegrationAnswer.model_validate_json(made)

    async def _travel(self, api: "Api") -> None:
        completion: dict[str, JsonValue] = {
            "id": "demo-1",
            "learner": {"email": "ada@example.org", "name": "Ada Lovelace"},
            "course": {"uri": "https://example.org/courses/engines", "name": "On Engines"},
            "completedAt": self.memory.completed_at.isoformat(),
        }
        said = await api.send("POST", f"/api/programs/{PROGRAM}/completions", completion)
        accepted = CompletionAnswer.model_validate_json(said).accepted
        if not accepted:
            raise DemoFailed(f"the completion was taken for no integration: {said}")
        self.story.posted(accepted[0].statement_id)
        await self._until_held(api, accepted[0].statement_id)
        self._keep(statement_id=accepted[0].statement_id)

    async def _until_held(self, api: "Api", statement_id: str) -> None:
        for _ in range(PATIENCE // timedelta(milliseconds=20)):
            if statement_id in IDS.validate_json(await api.get(f"{self.memory.sandbox}/ids")):
                return
            await asyncio.sleep(0.02)
        raise DemoFailed(f"statement {statement_id} is not at the sandbox after {PATIENCE}")

    async def _arrived(self, api: "Api", integration_id: str) -> None:
        path = f"/api/integrations/{integration_id}/statements/{self.memory.statement_id}"
        for _ in range(PATIENCE // timedelta(milliseconds=20)):
            told = StatementAnswer.model_validate_json(await api.get(path))
            if told.delivered_at is not None:
                self.story.delivered(told.accepted_at, told.delivered_at)
                return
            await asyncio.sleep(0.02)

    def _keep(self, *, api_key: str | None = None, statement_id: str | None = None) -> None:
        new = {"api_key": api_key, "statement_id": statement_id}
        self.memory = self.memory.model_copy(update={k: v for k, v in new.items() if v})
        replace_private(_path(self.settings), self.memory.model_dump_json())


@dataclass(frozen=True, slots=True)
class Api:
    """The hub's HTTP API, as anybody sees it."""

    client: httpx.AsyncClient

    async def get(self, path: str) -> str:
        """Read."""
        return await self.send("GET", path)

    async def send(self, method: str, path: str, body: JsonValue = None) -> str:
        """Call; raise DemoFailed if the answer is not what the demo can go on with."""
        try:
            answer = await self.client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise DemoFailed(f"{method} {path}: {error!r}") from error
        if not answer.is_success:
            raise DemoFailed(f"{method} {path}: HTTP {answer.status_code} {answer.text[:300]}")
        return answer.text


def _path(settings: Settings) -> Path:
    return settings.data_dir / "demo.json"


def _usable(port: int) -> int:
    return port if is_free(HOST, port) else free_port(HOST)
