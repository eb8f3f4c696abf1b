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
async def hub(environ: dict[str, str]) -> AsyncIterator[Process]:
    """Start `hub run` and wait until it is ready; see to its end."""
    process = await command(environ, "run")
    said = asyncio.create_task(process.communicate())
    try:
        await until(lambda: ready(environ, process), within=40, what="readiness")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await said


async def command(environ: dict[str, str], *words: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "config.cli", *words, env=environ, stderr=PIPE
    )


async def ended(process: Process) -> tuple[int | None, str]:
    _, err = await process.communicate()
    return process.returncode, err.decode()


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


async def test_a_house_shares_with_workers_but_not_with_a_second_house(
    environ: dict[str, str],
) -> None:
    async with hub(environ) as first:
        with listen("127.0.0.1", 0) as found:
            other = {**environ, "HUB_PORT": str(found.getsockname()[1])}

        code, err = await ended(await command(other, "run"))
        assert code == 1
        assert f"in use by process {first.pid}" in err
        assert "Traceback" not in err

        crew = await command(environ, "worker", "--processes", "2")
        await until(lambda: len(command_lines(crew.pid)) == 2, within=20, what="two workers")
        workers = list(command_lines(crew.pid))
        crew.terminate()
        code, err = await ended(crew)
        assert code == 0
        assert not any(is_alive(pid) for pid in workers)

        # And nothing is left when the house is killed.
        children = list(command_lines(first.pid))
        assert len(children) == 3
        first.kill()
        await first.wait()
        await until(lambda: not any(is_alive(pid) for pid in children), what="their end")


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
