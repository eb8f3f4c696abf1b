"""A real Prometheus on a real hub: what goes wrong with the one is told by the other."""

from pathlib import Path

import pytest

from config.listening import free_port
from tests.deploy.prometheus import HOST, Prometheus, prometheus
from tests.fakes.statements import a_statement
from tests.faults.stack import Stack, open_stack, prepare
from tests.waiting import until

pytestmark = pytest.mark.slow


async def fires(server: Prometheus, name: str) -> None:
    async def does() -> bool:
        return name in await server.firing()

    await until(does, within=60, what=f"the alert {name}")


async def post(stack: Stack, road: str, number: int) -> None:
    answer = await stack.client.post(
        f"/api/integrations/{stack.integrations[road]}/statements",
        content=a_statement(number).body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 202


async def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    (tmp_path / "prepared").mkdir()
    prepared = await prepare(tmp_path / "prepared")
    port = free_port(HOST)
    async with open_stack(prepared, tmp_path / "stack", workers=1, metrics_port=str(port)) as stack:
        web = stack.client.base_url
        async with prometheus(
            tmp_path / "p", [f"{web.host}:{web.port}", f"{HOST}:{port}"]
        ) as server:

            async def is_well() -> bool:
                return await server.firing() == set()

            await until(is_well, within=30, what="a hub that is well")
            stack.sandbox.change({"statements": 400})
            await post(stack, "strict", 1)
            await fires(server, "StatementsParked")
            stack.sandbox.change({"statements": 403})
            await post(stack, "wide", 2)
            await fires(server, "IntegrationRefused")
            await stack.kill_worker(0)
            await fires(server, "NoWorker")
            await stack.kill_valkey()
            await fires(server, "RedisDown")
            await stack.kill_web()
            await fires(server, "HubDown")
