import asyncio
import os
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from config import demo
from config.demo import Memory, remember
from config.errors import DemoFailed
from config.listening import listen
from config.run import near
from config.settings import Settings, load

FIRST_WORDS = "Learning Hub"
LAST_WORDS = "Ctrl-C"


@dataclass
class Showing:
    """One start of the demo: its story, and the hub it tells about."""

    environ: dict[str, str]
    story: str

    @property
    def memory(self) -> Memory:
        path = Path(self.environ["HUB_DATA_DIR"]) / "demo.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return Memory.model_validate_json(path.read_bytes())

    async def get(self, path: str) -> httpx.Response:
        at = near(load(self.environ))
        auth = ("demo", self.memory.api_key or "")
        async with httpx.AsyncClient(base_url=at, auth=auth) as client:
            return await client.get(path)


@asynccontextmanager
async def shown(environ: dict[str, str]) -> AsyncIterator[Showing]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "config.cli", "run", "--demo", env=environ, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(60):
        while LAST_WORDS not in "".join(lines[-1:]):
            line = (await process.stdout.readline()).decode()
            assert line, (await process.communicate())[1].decode()
            lines.append(line)
    yield Showing(environ, "".join(lines))
    process.terminate()
    rest, err = await process.communicate()
    assert process.returncode == 0, err
    assert rest == b""


@pytest.fixture
def environ(tmp_path: Path, unused_tcp_port: int) -> dict[str, str]:
    return {
        **{name: text for name, text in os.environ.items() if not name.startswith("HUB_")},
        "HUB_DATA_DIR": str(tmp_path / "data"),
        "HUB_PORT": str(unused_tcp_port),
        "HUB_WORKER_PROCESSES": "1",
    }


async def test_a_completion_travels_once_however_often_the_demo_is_started(
    environ: dict[str, str],
) -> None:
    async with shown(environ) as first:
        assert FIRST_WORDS in first.story
        assert "ms after it was accepted" in first.story
        key, statement = first.memory.api_key or "", first.memory.statement_id
        assert first.story.count(key) == 3
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{first.memory.sandbox}/ids")).json() == [statement]

    # Somebody has taken the sandbox's port meanwhile: it moves, and the integration follows.
    with listen("127.0.0.1", first.memory.sandbox_port):
        async with shown(environ) as second:
            listed = (await second.get("/api/programs/DEMO/integrations")).json()["items"]
            moved = second.memory.sandbox

    assert second.memory.api_key == key
    assert second.memory.statement_id == statement
    assert "not posted again" in second.story
    assert moved != first.memory.sandbox or first.memory == second.memory
    (integration,) = listed
    assert integration["statementUrl"] == f"{second.memory.sandbox}/xapi/statements"


def test_what_somebody_has_chosen_stays_as_it_is(tmp_path: Path) -> None:
    chosen = Settings(data_dir=tmp_path, log_level="debug", smtp_url="smtp://mine")

    brought = remember(chosen).environ(chosen)

    assert brought == {"HUB_EGRESS_ALLOW": "127.0.0.0/8,::1/128"}


def test_a_port_that_is_taken_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(demo, "SANDBOX_PORT", port)

        assert remember(Settings(data_dir=tmp_path)).sandbox_port != port


async def test_an_answer_that_says_no_is_told_with_its_words(unused_tcp_port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(DemoFailed, match="GET /api"):
            await demo.Api(client).get("/api")
    refusing = httpx.MockTransport(lambda _: httpx.Response(403, text="not yours"))
    async with httpx.AsyncClient(base_url="http://hub", transport=refusing) as client:
        with pytest.raises(DemoFailed, match="POST /api: HTTP 403 not yours"):
            await demo.Api(client).send("POST", "/api")
