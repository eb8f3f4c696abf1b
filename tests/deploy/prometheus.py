"""A real Prometheus on a free port, with our rules, quick enough for a test."""

import asyncio
import json
import re
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from os import getpid
from pathlib import Path

import httpx

from config.children import die_with_parent
from config.listening import free_port
from tests.faults.processes import kill
from tests.waiting import until

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
BINARY = ROOT / ".prometheus" / "usr" / "bin" / "prometheus"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    client: httpx.AsyncClient

    async def firing(self) -> set[str]:
        """Give the names of the alerts that fire."""
        answer = (await self.client.get("/api/v1/alerts")).json()
        return {
            alert["labels"]["alertname"]
            for alert in answer["data"]["alerts"]
            if alert["state"] == "firing"
        }

    async def rules(self) -> list[dict[str, object]]:
        """Give the rules as it has read them."""
        answer = (await self.client.get("/api/v1/rules")).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    async def understands(self, expression: str) -> bool:
        """Say whether it can read an expression."""
        answer = await self.client.get("/api/v1/query", params={"query": expression})
        return answer.status_code == httpx.codes.OK

    async def samples(self) -> int:
        """Say how often it has scraped everything."""
        query = {"query": 'min(count_over_time(up{job="learning-hub"}[5m]))'}
        found = (await self.client.get("/api/v1/query", params=query)).json()["data"]["result"]
        return int(found[0]["value"][1]) if found else 0


@asynccontextmanager
async def prometheus(folder: Path, targets: Sequence[str]) -> AsyncIterator[Prometheus]:
    """Run it on these targets. Its rules wait for nothing: `for` is 0."""
    _configure(folder, targets)
    port = free_port(HOST)
    process = await asyncio.create_subprocess_exec(
        str(BINARY),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={HOST}:{port}",
        stdout=DEVNULL,
        stderr=DEVNULL,
        preexec_fn=partial(die_with_parent, getpid()),
    )
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:

        async def is_ready() -> bool:
            try:
                return (await client.get("/-/ready")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        try:
            await until(is_ready, within=30, what="a Prometheus that is ready")
            yield Prometheus(client)
        finally:
            await kill(process)


def _configure(folder: Path, targets: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alerts.yml").write_text(re.sub(r"for: \w+", "for: 0s", RULES.read_text()))
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}\n"
        "rule_files: [alerts.yml]\n"
        "scrape_configs:\n"
        "  - job_name: learning-hub\n"
        f"    static_configs: [{{targets: {json.dumps(list(targets))}}}]\n"
    )
