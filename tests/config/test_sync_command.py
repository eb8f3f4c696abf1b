"""`hub sync`: the same sync, in the command's own process."""

import asyncio
import json
import signal
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import clock
from config.run import hub
from config.sandbox.imports import API_KEY
from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from config.settings import load
from config.wiring import open_registry
from hub.events.event import Category, EventType, NewEvent
from hub.registry.sql.migrate import migrate
from tests.waiting import until

TEMPLATE = '{"COURSE": {"importProcessId": 7, "batchRowTemplate": "{\\"n\\": {{n}} }"}}'


@dataclass
class Scene:
    """A program with an event to sync, and the environment of the commands."""

    environ: dict[str, str]
    sandbox: Sandbox

    async def hub(self, *words: str) -> tuple[int | None, str, str]:
        """Run a command; give its exit code, and what it wrote to output and error."""
        process = await asyncio.create_subprocess_exec(
            *hub(), *words, env=self.environ, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    environ = {
        "HUB_DATA_DIR": str(tmp_path / "data"),
        "HUB_EGRESS_ALLOW": "127.0.0.0/8",
        "HUB_LOG_FORMAT": "json",
    }
    settings = load(environ)
    settings.data_dir.mkdir(mode=0o700)
    await migrate(settings.database_url)
    sandbox = Sandbox(clock.now)
    async with listening(sandbox, smtp_port=None) as at, open_registry(settings) as registry:
        await registry.programs.create(
            "ACME", "Acme", lb_api_url=at.url, lb_api_key=API_KEY, by="test"
        )
        await registry.programs.create("PUB", "Pub", by="test")
        await registry.subscriptions.create(
            "ACME", "PUB", sync_enabled=True, template=TEMPLATE, by="test"
        )
        event = NewEvent(
            "PUB-1",
            "PUB",
            EventType.AI_COMP_SUCCESS,
            "ann",
            '{"n": 1}',
            clock.now(),
            category=Category("COURSE"),
        )
        await registry.events.add([event])
        yield Scene(environ, sandbox)


async def test_it_syncs_and_shows_the_batches(scene: Scene) -> None:
    code, out, _ = await scene.hub("sync", "ACME")

    assert code == 0
    columns, row = out.splitlines()
    assert columns.split()[:4] == ["publisher", "importProcessId", "rows", "state"]
    assert row.split()[:6] == ["PUB", "7", "1", "accepted", "no", "batch-1"]
    assert [batch.body for batch in scene.sandbox.imports.batches()] == [b'{"n": 1 }']


async def test_it_answers_json_and_nothing_else(scene: Scene) -> None:
    code, out, err = await scene.hub("sync", "ACME", "--json")

    told = json.loads(out)
    assert code == 0
    assert (told["program"], told["state"], told["failures"]) == ("ACME", "succeeded", [])
    assert [(one["rows"], one["queueBatchId"]) for one in told["batches"]] == [(1, "batch-1")]
    assert "sync.closed" in err


async def test_a_failure_is_told_and_ends_with_1(scene: Scene) -> None:
    scene.sandbox.change({"batches": 400})

    code, out, err = await scene.hub("sync", "ACME", "--json")

    assert code == 1
    assert [one["kind"] for one in json.loads(out)["failures"]] == ["refused"]
    assert "hub: Events of PUB are not imported: LearningBuilder refused the batch" in err


async def test_it_ends_in_order_when_it_is_asked_to(scene: Scene) -> None:
    scene.sandbox.change({"batches": {"mode": "slow", "seconds": 0.5}})
    process = await asyncio.create_subprocess_exec(
        *hub(), "sync", "ACME", "--json", env=scene.environ, stdout=PIPE, stderr=PIPE
    )
    await until(lambda: scene.sandbox.imports.attempts == 1, within=30)

    process.send_signal(signal.SIGTERM)
    out, _ = await process.communicate()

    told = json.loads(out)
    assert process.returncode == 1
    assert (told["state"], [one["state"] for one in told["batches"]]) == (
        "cut_short",
        ["accepted"],
    )


@pytest.mark.parametrize(
    ("program", "complaint"),
    [("NONE", "hub: no program NONE"), ("PUB", "hub: program PUB cannot be synced")],
)
async def test_what_cannot_be_synced_is_told_in_one_line(
    scene: Scene, program: str, complaint: str
) -> None:
    code, out, err = await scene.hub("sync", program)

    assert (code, out) == (1, "")
    assert complaint in err
    assert "Traceback" not in err
