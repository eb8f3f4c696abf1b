"""A backup taken under load, everything destroyed, and the hub goes on elsewhere."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from config import clock
from config.listening import free_port
from config.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from tests.fakes.statements import a_statement, statements
from tests.faults.processes import answer, end, start
from tests.waiting import until

pytestmark = pytest.mark.slow
HOST = "127.0.0.1"


@dataclass
class Hub:
    """A whole hub on embedded stores, as `hub run` starts it."""

    environ: dict[str, str]
    client: httpx.AsyncClient
    key: tuple[str, str]

    async def post(self, integration: str, *numbers: int) -> list[str]:
        """Hand statements in; their ids."""
        made = [a_statement(number) for number in numbers]
        answered = await self.client.post(
            f"/api/integrations/{integration}/statements",
            content=b"[" + b",".join(one.body for one in made) + b"]",
            headers={"Content-Type": "application/json"},
        )
        assert answered.status_code == 202, answered.text
        return [one.id for one in made]

    async def health(self, integration: str) -> dict[str, object]:
        found = (await self.client.get(f"/api/integrations/{integration}")).json()["health"]
        assert isinstance(found, dict)
        return found


@asynccontextmanager
async def running(data: Path, key: tuple[str, str] | None) -> AsyncIterator[Hub]:
    """Run a hub on this folder; with its key, or one that is made."""
    environ = {
        "PATH": "/usr/bin:/bin",
        "HUB_DATA_DIR": str(data),
        "HUB_PORT": str(free_port(HOST)),
        "HUB_EGRESS_ALLOW": "127.0.0.0/8",
        "HUB_HEARTBEAT_SECONDS": "2",
        "HUB_WORKER_PROCESSES": "1",
        "HUB_LOG_FORMAT": "json",
    }
    process = await start(environ, "run", log=data.parent / f"{data.name}.log")
    url = f"http://{HOST}:{environ['HUB_PORT']}"
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:

        async def is_ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        try:
            await until(is_ready, within=60, what="a hub that is ready")
            if key is None:
                words = ("keys", "create", "--user-id", "tests", "--system", "--json")
                made = json.loads(await answer(environ, *words))
                key = made["userId"], made["apiKey"]
            client.auth = httpx.BasicAuth(*key)
            yield Hub(environ, client, key)
        finally:
            assert await end(process) == 0


async def connect(hub: Hub, url: str) -> str:
    await hub.client.post("/api/programs", json={"ProgramId": "ACME", "Name": "Acme"})
    await hub.client.post("/api/providers", json={"id": "lms", "name": "LMS"})
    form = {
        "name": "To the LMS",
        "provider": "lms",
        "technicalEmails": ["ops@acme.example"],
        "statementUrl": f"{url}/xapi/statements",
        "authenticationUrl": f"{url}/oauth/token",
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "batchSize": 50,
    }
    made = await hub.client.post("/api/programs/ACME/integrations", json=form)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_a_hub_is_restored_elsewhere_and_goes_on(tmp_path: Path) -> None:
    sandbox = Sandbox(clock.now)
    backup = tmp_path / "hub.tar"
    async with listening(sandbox, smtp_port=None) as at:
        async with running(tmp_path / "first", None) as first:
            integration = await connect(first, at.url)
            delivered = await first.post(integration, *range(100))
            await until(lambda: set(delivered) <= set(sandbox.lrs.ids()), within=60)
            guilty = a_statement(500)
            only = {"mode": "status", "status": 400, "only": {"statementIds": [guilty.id]}}
            sandbox.change({"statements": only})
            await first.post(integration, 500)

            async def is_parked() -> bool:
                return (await first.health(integration))["parked"] == 1

            await until(is_parked, within=60)
            sandbox.change({"statements": 503})
            waiting = await first.post(integration, *range(200, 300))

            await answer(first.environ, "backup", str(backup), "--with-keys")
            sandbox.change({"statements": "ok"})
            await until(lambda: set(waiting) <= set(sandbox.lrs.ids()), within=60)
            after = await first.post(integration, *range(600, 610))
            await until(lambda: set(after) <= set(sandbox.lrs.ids()), within=60)
            # Changed after the backup: the restored registry knows nothing of it.
            await first.client.patch(f"/api/integrations/{integration}", json={"name": "Newer"})
        shutil.rmtree(tmp_path / "first")
        sandbox.change({"statements": 503})
        environ = {**first.environ, "HUB_DATA_DIR": str(tmp_path / "second")}
        restored = json.loads(await answer(environ, "restore", str(backup), "--json"))

        async with running(tmp_path / "second", first.key) as second:
            before = await second.health(integration)
            receipts = [
                (await second.client.get(f"/api/integrations/{integration}/statements/{one}"))
                for one in (delivered[0], waiting[0], after[0])
            ]
            received = sandbox.lrs.received
            repeated = await second.post(integration, *range(600, 610))
            sandbox.change({"statements": "ok"})

            async def is_empty() -> bool:
                return (await second.health(integration))["queued"] == 0

            await until(is_empty, within=60, what="an empty queue")

        assert restored["folder"] == str(tmp_path / "second")
        assert (before["queued"], before["parked"]) == (100, 1)
        assert [one.status_code for one in receipts] == [200, 200, 404]
        assert receipts[0].json()["state"] == "delivered"
        assert repeated == after
        # What was delivered after the backup went out again, with the same ids, and nothing else.
        assert sandbox.lrs.received - received == len(waiting) + len(repeated)
        everything = {*delivered, *waiting, *after}
        assert set(sandbox.lrs.ids()) == everything
        assert len(sandbox.lrs.ids()) == len(everything)
        assert {one.id for one in statements(3, start=200)} <= everything
