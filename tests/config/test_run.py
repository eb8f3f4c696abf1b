import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from config.errors import AddressInUse
from config.listening import listen
from config.run import check_address, house, near
from config.settings import Settings, load
from tests.waiting import until


@pytest.fixture
def environ(tmp_path: Path, unused_tcp_port: int) -> dict[str, str]:
    return {
        **{name: text for name, text in os.environ.items() if not name.startswith("HUB_")},
        "HUB_DATA_DIR": str(tmp_path / "data"),
        "HUB_PORT": str(unused_tcp_port),
        "HUB_WORKER_PROCESSES": "1",
        "HUB_WORKER_THREADS": "4",
    }


@asynccontextmanager
async def hub(environ: dict[str, str], *words: str) -> AsyncIterator[Process]:
    """Start `hub run` and wait until it is ready; see to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "config.cli", "run", *words, env=environ, stdout=PIPE, stderr=PIPE
    )
    said = asyncio.create_task(process.communicate())
    try:
        await until(lambda: ready(environ, process), within=40, what="readiness")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await said


async def ready(environ: dict[str, str], process: Process) -> bool:
    assert process.returncode is None, "hub run ended"
    try:
        async with httpx.AsyncClient(base_url=near(load(environ)), timeout=2) as client:
            return (await client.get("/readyz")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def command_lines(parent: int) -> dict[int, str]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {
        int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in children
    }


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def who(lines: dict[int, str], part: str) -> int:
    (pid,) = (pid for pid, line in lines.items() if part in line)
    return pid


async def test_the_house_comes_up_mends_itself_and_goes_down(environ: dict[str, str]) -> None:
    async with hub(environ) as process:
        lines = command_lines(process.pid)
        assert len(lines) == 3
        valkey = who(lines, "valkey-server")
        os.kill(valkey, signal.SIGKILL)
        os.kill(who(lines, " web"), signal.SIGKILL)

        await until(lambda: not is_alive(valkey))
        await until(lambda: len(command_lines(process.pid)) == 3, within=20)
        await until(lambda: ready(environ, process), within=30, what="readiness after deaths")
        last = command_lines(process.pid)
        process.terminate()
        assert await process.wait() == 0

        assert not any(is_alive(pid) for pid in last)
    assert not (Path(environ["HUB_DATA_DIR"]) / "valkey" / "address").exists()


async def test_nothing_is_left_when_the_house_is_killed(environ: dict[str, str]) -> None:
    async with hub(environ) as process:
        children = list(command_lines(process.pid))
        assert len(children) == 3

        process.kill()
        await process.wait()

        await until(lambda: not any(is_alive(pid) for pid in children), what="their end")


async def test_a_second_house_on_the_folder_names_the_first(environ: dict[str, str]) -> None:
    async with hub(environ) as process:
        with listen("127.0.0.1", 0) as found:
            other = {**environ, "HUB_PORT": str(found.getsockname()[1])}
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "config.cli", "run", env=other, stdout=PIPE, stderr=PIPE
        )
        out, err = await second.communicate()

        assert second.returncode == 1
        assert f"in use by process {process.pid}" in err.decode()
        assert b"Traceback" not in err
        assert out == b""


async def test_a_taken_address_is_told_before_anything_starts(
    environ: dict[str, str],
) -> None:
    settings = load(environ)

    with listen(settings.host, settings.port), pytest.raises(AddressInUse, match="HUB_PORT"):
        check_address(settings)


def test_a_redis_of_ones_own_takes_the_place_of_the_embedded_one() -> None:
    own = Settings(redis_url="redis://somewhere", worker_processes=3)

    names = [[member.name for member in rank] for rank in house(own, environ={})]

    assert names == [[], ["migrate"], ["web"], ["worker-1", "worker-2", "worker-3"]]


def test_the_embedded_store_comes_up_first() -> None:
    ranks = house(Settings(worker_processes=1), environ={})

    assert [member.name for member in ranks[0]] == ["valkey"]
