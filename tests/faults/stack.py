"""The whole house in real processes: Valkey, web and workers, between clients and a sandbox LRS."""

import asyncio
import json
import os
import shutil
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import redis.asyncio as aioredis

from config import clock
from config.listening import free_port
from config.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from config.valkey import EmbeddedValkey
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId
from delivery.stores.keys import BEATS
from delivery.stores.receipts import Receipts, ReceiptState
from delivery.stores.store import Store
from tests.fakes.fault_proxy import HOST, FaultProxy, fault_proxy
from tests.faults.processes import answer, kill, start
from tests.faults.upstream import Load, Upstream
from tests.waiting import until

PROGRAM = "ACME"
SECRET_KEYS = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
ROADS = {"strict": (1, 1), "wide": (1, 8), "arrays": (50, 1)}
"""The integrations: how many statements a request takes, and how many requests go at once."""
RECOVERED_WITHIN = 30
PATIENCE = 90

Note = Callable[[str, object], None]
"""Notes in the report of a test run what was measured."""


def now() -> float:
    """Give the time of the loop, in seconds."""
    return asyncio.get_running_loop().time()


async def for_a_while(seconds: float) -> None:
    """Let a fault last so long."""
    over = now() + seconds
    await until(lambda: now() >= over, within=seconds + 10)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database with all tables and a SYSTEM key; made once, copied for each stack."""

    folder: Path
    key: tuple[str, str]


@dataclass(slots=True)
class Stack:
    """A running house, and what stands around it."""

    folder: Path
    key: tuple[str, str]
    """User id and text of a SYSTEM key."""
    environ: dict[str, str]
    sandbox: Sandbox
    valkey: EmbeddedValkey
    client: httpx.AsyncClient
    store: Store
    to_lrs: FaultProxy
    to_redis: FaultProxy
    web: Process | None = None
    workers: list[Process] = field(default_factory=list)
    integrations: dict[str, str] = field(default_factory=dict)
    """The ids of the integrations, by the names of `ROADS`."""
    loads: list[Load] = field(default_factory=list)

    async def start_web(self, environ: Mapping[str, str] | None = None) -> None:
        """Start the web process, on the port it always has, and wait until it answers."""
        self.web = await start(environ or self.environ, "web", log=self.folder / "web.log")
        await until(self.answers, within=PATIENCE, what="an answer of web")

    async def start_worker(self, environ: Mapping[str, str] | None = None) -> Process:
        """Start one more worker, without waiting for it; `environ` may be another version's."""
        words = ("worker", "--processes", "1", "--threads", "4")
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(await start(environ or self.environ, *words, log=log))
        return self.workers[-1]

    async def beats(self, worker: Process) -> bool:
        """Say whether a worker is up: whether its clock beats."""
        name = f"{socket.gethostname()}:{worker.pid}"
        (beat,) = await self.store.ask(("ZSCORE", BEATS, name))
        return beat is not None

    async def kill_web(self) -> None:
        """Kill -9 the web process."""
        assert self.web is not None
        await kill(self.web)

    async def kill_worker(self, number: int) -> None:
        """Kill -9 a worker; the others move up."""
        await kill(self.workers.pop(number))

    async def kill_valkey(self) -> None:
        """Kill -9 Valkey."""
        os.kill(self.valkey.pid, signal.SIGKILL)
        await self.valkey.wait()

    async def add(self, name: str, *, batch_size: int, concurrency: int) -> None:
        """Make a provider, and an integration to the sandbox."""
        await self._post("/api/providers", {"id": name, "name": name})
        made = await self._post(
            f"/api/programs/{PROGRAM}/integrations",
            {
                "name": name,
                "provider": name,
                "technicalEmails": ["ops@acme.example"],
                "statementUrl": f"{self.to_lrs.url}/xapi/statements",
                "authenticationUrl": f"{self.to_lrs.url}/oauth/token",
                "clientId": CLIENT_ID,
                "clientSecret": CLIENT_SECRET,
                "batchSize": batch_size,
                "concurrency": concurrency,
            },
        )
        self.integrations[name] = json.loads(made)["id"]

    def load(self) -> Load:
        """Set upstream clients to work; one client where the order is looked at."""
        paces = {"strict": ((1, 0.02),), "wide": ((1, 0.02),) * 3, "arrays": ((20, 0.05),) * 2}
        load = Load(
            Upstream(self.client, self.integrations[name], at_once=at_once, pause=pause)
            for name in ROADS
            for at_once, pause in paces[name]
        )
        self.loads.append(load)
        return load

    async def recovered(self, load: Load, *, since: float) -> float:
        """Stop the load once it flows again, and give the seconds until all was delivered.

        Fails when that takes longer than a fault may be felt.
        """
        await until(lambda: load.heard_since(since), within=PATIENCE, what="intake")
        await load.stop()
        await until(self.is_empty, within=PATIENCE, what="an empty queue")
        seconds = now() - since
        assert seconds < RECOVERED_WITHIN, f"recovered only after {seconds:.1f} s"
        return seconds

    async def nothing_was_lost(self) -> None:
        """Check that each statement taken is held once, is said to be delivered, and in order."""
        taken = [one for load in self.loads for one in load.taken()]
        held = self.sandbox.lrs.ids()
        lost, made_up = set(taken) - set(held), set(held) - set(taken)
        assert not lost, f"{len(lost)} of {len(taken)} were lost"
        assert not made_up, f"{len(made_up)} are held that were never taken"
        assert len(held) == len(taken), "an id was taken twice"
        strict = [one for load in self.loads for one in load.taken_for(self.integrations["strict"])]
        strictly = set(strict)
        assert [one for one in held if one in strictly] == strict, "the order was not kept"
        for name in self.integrations.values():
            for load in self.loads:
                await self._are_receipted(name, load.taken_for(name))
        self._met_no_bug()

    async def _are_receipted(self, integration_id: str, ids: Sequence[str]) -> None:
        receipts = Receipts(self.store)
        for one in ids:
            receipt = await receipts.find(IntegrationId(integration_id), StatementId(one))
            assert receipt is not None
            assert receipt.state is ReceiptState.DELIVERED, one

    def _met_no_bug(self) -> None:
        """Check that no process has met what it did not know as an ordinary fault."""
        logs = [path.read_text() for path in self.folder.glob("*.log")]
        errors = [line for log in logs for line in log.splitlines() if '"level": "error"' in line]
        assert not errors, errors[0]

    async def answers(self) -> bool:
        """Say whether web answers."""
        try:
            return (await self.client.get("/healthz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def is_empty(self) -> bool:
        """Say whether nothing waits and nothing is parked."""
        listed = await self.client.get(f"/api/programs/{PROGRAM}/integrations")
        found = [item["health"] for item in listed.raise_for_status().json()["items"]]
        return all(health and health["queued"] + health["parked"] == 0 for health in found)

    async def _post(self, path: str, body: Mapping[str, object]) -> bytes:
        posted = await self.client.post(path, json=body)
        assert posted.status_code == httpx.codes.CREATED, posted.text
        return posted.content


async def prepare(folder: Path, **settings: str) -> Prepared:
    """Make the database that every stack begins with, and a SYSTEM key."""
    environ = _environ(folder, port=1, redis_port=1, **settings)
    await answer(environ, "migrate")
    made = json.loads(
        await answer(environ, "keys", "create", "--user-id", "tests", "--system", "--json")
    )
    return Prepared(folder, (made["userId"], made["apiKey"]))


@asynccontextmanager
async def open_stack(
    prepared: Prepared,
    folder: Path,
    *,
    workers: int = 2,
    roads: Mapping[str, tuple[int, int]] = ROADS,
    **settings: str,
) -> AsyncIterator[Stack]:
    """Bring up a house on free ports, with the integrations of `roads`; end all of it after.

    `settings`: more of the environment, without `HUB_`.
    """
    async with open_house(prepared, folder, **settings) as stack:
        await stack.start_web()
        await stack._post("/api/programs", {"ProgramId": PROGRAM, "Name": "Acme"})  # noqa: SLF001
        for name, (batch_size, concurrency) in roads.items():
            await stack.add(name, batch_size=batch_size, concurrency=concurrency)
        for _ in range(workers):
            await stack.start_worker()
        for worker in stack.workers:
            await until(partial(stack.beats, worker), within=PATIENCE, what="a beat")
        yield stack


@asynccontextmanager
async def open_house(prepared: Prepared, folder: Path, **settings: str) -> AsyncIterator[Stack]:
    """Bring up Valkey, the sandbox, and the network between; no process of ours yet."""
    data = folder / "data"
    shutil.copytree(prepared.folder, data)
    sandbox = Sandbox(clock.now, keep_log=100_000)
    redis_port, web_port = free_port(HOST), free_port(HOST)
    valkey = EmbeddedValkey(folder / "valkey", port=redis_port)
    async with (
        listening(sandbox, smtp_port=None) as at,
        _running(valkey),
        fault_proxy(at.port) as to_lrs,
        fault_proxy(redis_port) as to_redis,
        aioredis.Redis.from_url(valkey.url) as redis,
        httpx.AsyncClient(
            base_url=f"http://{HOST}:{web_port}", auth=prepared.key, timeout=20, trust_env=False
        ) as client,
    ):
        environ = _environ(data, port=web_port, redis_port=to_redis.port, **settings)
        stack = Stack(
            folder, prepared.key, environ, sandbox, valkey, client, Store(redis), to_lrs, to_redis
        )
        try:
            yield stack
        finally:
            for load in stack.loads:
                await load.abandon()
            for process in (*stack.workers, stack.web):
                if process is not None:
                    await kill(process)


@asynccontextmanager
async def _running(valkey: EmbeddedValkey) -> AsyncIterator[None]:
    await valkey.start()
    try:
        yield
    finally:
        await valkey.stop()


def _environ(data: Path, *, port: int, redis_port: int, **settings: str) -> dict[str, str]:
    return {
        **{name: text for name, text in os.environ.items() if not name.startswith("HUB_")},
        "HUB_DATA_DIR": str(data),
        "HUB_HOST": HOST,
        "HUB_PORT": str(port),
        "HUB_REDIS_URL": f"redis://{HOST}:{redis_port}/0",
        **({} if "secret_keys_file" in settings else {"HUB_SECRET_KEYS": SECRET_KEYS}),
        "HUB_EGRESS_ALLOW": "127.0.0.0/8",
        "HUB_LOG_LEVEL": "info",
        "HUB_LOG_FORMAT": "json",
        "HUB_HEARTBEAT_SECONDS": "2",
        "HUB_REQUEST_TIMEOUT_SECONDS": "3",
        **{f"HUB_{name.upper()}": text for name, text in settings.items()},
    }
