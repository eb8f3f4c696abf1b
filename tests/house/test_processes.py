"""What the Procfile names exists, and each of its processes can be put together."""

import subprocess
import sys
from pathlib import Path

import pytest
from dramatiq.brokers.stub import StubBroker

from config.cli import COMMANDS
from config.settings import Settings, load
from config.web_house import open_web
from config.worker_house import WorkerHouse, open_worker
from delivery.actors import declare
from delivery.facts.doorbell import Work
from delivery.work.heartbeat import last_beat
from hub.registry.sql.migrate import migrate

ROOT = Path(__file__).parents[2]
HUB = Path(sys.executable).with_name("hub")
KEY = "a2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMgZm9yIHRlc3Q="


PROCESSES = [line.split(": ") for line in (ROOT / "Procfile").read_text().splitlines()]


def _help(*words: str) -> str:
    told = subprocess.run(  # noqa: S603 - our own command
        [HUB, *words, "--help"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_the_procfile_names_what_a_host_looks_for() -> None:
    assert [name for name, _ in PROCESSES] == ["release", "web", "worker"]


@pytest.mark.parametrize("command", [command for _, command in PROCESSES])
def test_each_line_of_the_procfile_is_a_command(command: str) -> None:
    hub, *words = command.split()

    assert hub == HUB.name
    assert command in _help(*words)


def test_every_command_is_told_of() -> None:
    told = _help()

    assert [command for command in COMMANDS if f" {command} " not in told] == []


@pytest.fixture
async def settings(tmp_path: Path, empty_valkey_url: str) -> Settings:
    url = f"sqlite:///{tmp_path}/hub.sqlite3"
    await migrate(url)
    return load(
        {
            "HUB_DATA_DIR": str(tmp_path),
            "HUB_DATABASE_URL": url,
            "HUB_REDIS_URL": empty_valkey_url,
            "HUB_SECRET_KEYS": KEY,
        }
    )


async def test_the_web_process_can_be_put_together(settings: Settings) -> None:
    async with open_web(settings) as app:
        paths = app.openapi()["paths"]

    assert "/healthz" in paths
    assert any(path.startswith("/xapi/") for path in paths)


async def test_a_worker_can_be_put_together_and_its_clock_beats(settings: Settings) -> None:
    async with open_worker(settings, "worker-1") as house:
        await house.heartbeat.beat()

        assert await last_beat(house.heartbeat.store) is not None
        await house.running.finish()


async def test_each_kind_of_work_has_an_actor_on_a_queue_of_its_own(settings: Settings) -> None:
    async with open_worker(settings, "worker-1") as house:
        broker = StubBroker(middleware=[])
        declare(broker, house)

    queues = {name: broker.get_actor(name).queue_name for name in broker.get_declared_actors()}
    assert queues == {f"delivery.{work}": work.value for work in Work}
    assert isinstance(house, WorkerHouse)
