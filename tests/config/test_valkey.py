import asyncio
import json
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from config import folder as data_folder
from config.errors import FolderInUse, FolderUnusable, ProcessFailed
from config.valkey import LONGEST_SOCKET_PATH, TUNED, EmbeddedValkey, address, binary
from tests.waiting import until

PARENT = """
import asyncio, sys
from pathlib import Path
from config.valkey import EmbeddedValkey

async def main() -> None:
    server = EmbeddedValkey(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await server.wait()

asyncio.run(main())
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    await server.start()
    yield server
    await server.stop()


async def start_elsewhere(folder: Path) -> tuple[Process, int]:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(folder), stdout=PIPE
    )
    assert parent.stdout is not None
    return parent, int(await parent.stdout.readline())


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def environ_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")


async def test_it_is_set_up_to_keep_what_it_is_given(server: EmbeddedValkey) -> None:
    async with Redis.from_url(server.url) as redis:
        said = await redis.config_get("append*", "maxmemory*", "save", "port")

    assert said["appendonly"] == "yes"
    assert said["appendfsync"] == "always"
    assert said["maxmemory-policy"] == "noeviction"
    assert said["maxmemory"] == "0"
    assert (said["save"], said["port"]) == ("", "0")


async def test_it_keeps_small_objects_at_hand_unless_the_operator_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    said = []
    for name, tunables in (("ours", None), ("theirs", "glibc.malloc.tcache_count=8")):
        if tunables:
            monkeypatch.setenv("GLIBC_TUNABLES", tunables)
        server = EmbeddedValkey(tmp_path / name)
        await server.start()
        said += [one for one in environ_of(server.pid) if one.startswith("GLIBC_TUNABLES=")]
        await server.stop()

    assert said == [f"GLIBC_TUNABLES={one}" for one in (TUNED, "glibc.malloc.tcache_count=8")]


async def test_only_its_owner_can_reach_it(server: EmbeddedValkey, tmp_path: Path) -> None:
    socket = tmp_path / "valkey" / "valkey.sock"

    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


async def test_other_processes_find_its_address_while_it_runs(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    before = address(tmp_path)
    await server.start()
    during = address(tmp_path)
    await server.stop()

    assert (before, during, address(tmp_path)) == (None, server.url, None)


async def test_it_listens_on_loopback_when_asked(tmp_path: Path, unused_tcp_port: int) -> None:
    server = EmbeddedValkey(tmp_path, port=unused_tcp_port)
    await server.start()

    async with Redis(host="127.0.0.1", port=unused_tcp_port) as redis:
        assert await redis.ping()

    await server.stop()


async def test_500_of_500_entries_outlive_a_kill(server: EmbeddedValkey) -> None:
    async with Redis.from_url(server.url) as redis:
        for number in range(500):
            await redis.rpush("entries", number)
    os.kill(server.pid, signal.SIGKILL)
    assert await server.wait() == -signal.SIGKILL

    await server.start()

    async with Redis.from_url(server.url) as redis:
        assert await redis.llen("entries") == 500


async def test_a_clean_stop_keeps_everything_and_frees_the_folder(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    async with Redis.from_url(server.url) as redis:
        await redis.set("kept", "yes")
    await server.stop()

    again = EmbeddedValkey(tmp_path)
    await again.start()

    async with Redis.from_url(again.url) as redis:
        assert await redis.get("kept") == b"yes"
    await again.stop()
    assert "bye bye" in (tmp_path / "valkey.log").read_text()


async def test_a_second_start_on_a_folder_names_the_first(
    server: EmbeddedValkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_folder, "PATIENCE", timedelta(milliseconds=100))

    with pytest.raises(FolderInUse, match=rf"in use by process {os.getpid()}\b"):
        await EmbeddedValkey(tmp_path / "valkey").start()

    async with Redis.from_url(server.url) as redis:
        assert await redis.ping()


async def test_no_server_is_left_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent, pid = await start_elsewhere(tmp_path)
    assert is_alive(pid)

    parent.kill()
    await parent.wait()

    await until(lambda: not is_alive(pid), what="the end of the server")


async def test_a_folder_can_be_used_at_once_after_its_user_was_killed(tmp_path: Path) -> None:
    parent, _ = await start_elsewhere(tmp_path)
    parent.kill()
    await parent.wait()

    server = EmbeddedValkey(tmp_path)
    await server.start()

    await server.stop()


async def test_a_folder_stays_locked_while_a_server_lives_though_its_starter_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_folder, "PATIENCE", timedelta(milliseconds=100))
    server = EmbeddedValkey(tmp_path)
    await server.start()
    assert server._lock is not None  # noqa: SLF001 - what the kernel closes when we are killed
    os.close(server._lock)  # noqa: SLF001
    server._lock = None  # noqa: SLF001

    with pytest.raises(FolderInUse):
        await data_folder.lock(tmp_path)

    await server.stop()
    os.close(await data_folder.lock(tmp_path))


async def test_an_older_server_does_not_touch_newer_data(tmp_path: Path) -> None:
    (tmp_path / "stamp.json").write_text('{"layout": 1, "server": "99.0.1"}')

    with pytest.raises(FolderUnusable, match=r"written by server 99\.0\.1, here is \d"):
        await EmbeddedValkey(tmp_path).start()

    assert json.loads((tmp_path / "stamp.json").read_text())["server"] == "99.0.1"
    assert not (tmp_path / "appendonlydir").exists()


async def test_data_of_an_older_server_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "stamp.json").write_text('{"layout": 1, "server": "8.9"}')
    server = EmbeddedValkey(tmp_path)

    await server.start()

    assert json.loads((tmp_path / "stamp.json").read_text())["server"] != "8.9"
    await server.stop()


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ('{"layout": 2, "server": "9.1.2"}', "layout 2"),
        ("not a stamp", "cannot be read"),
        ('{"layout": 1, "server": "new"}', "cannot be read"),
    ],
)
async def test_an_unknown_layout_is_refused(tmp_path: Path, found: str, told: str) -> None:
    (tmp_path / "stamp.json").write_text(found)

    with pytest.raises(FolderUnusable, match=told):
        await EmbeddedValkey(tmp_path).start()


async def test_data_without_a_stamp_is_refused(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()

    with pytest.raises(FolderUnusable, match=r"stamp\.json is missing"):
        await EmbeddedValkey(tmp_path).start()


async def test_a_refused_start_leaves_the_folder_free(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    with pytest.raises(FolderUnusable):
        await EmbeddedValkey(tmp_path).start()
    (tmp_path / "appendonlydir").rmdir()

    server = EmbeddedValkey(tmp_path)
    await server.start()

    await server.stop()


async def test_a_deep_folder_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ('quote" and space ' * 3)
    server = EmbeddedValkey(deep)
    assert len(os.fsencode(deep)) > LONGEST_SOCKET_PATH

    await server.start()

    socket = Path(server.url.removeprefix("unix://"))
    async with Redis.from_url(address(deep) or "") as redis:
        assert await redis.ping()
    assert (deep / "appendonlydir").is_dir()
    await server.stop()
    assert not socket.parent.exists()


async def test_a_server_that_cannot_read_its_data_says_so(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    await server.stop()
    (manifest,) = (tmp_path / "appendonlydir").glob("*.manifest")
    manifest.write_text("nonsense")

    with pytest.raises(ProcessFailed, match="ended at once"):
        await server.start()


async def test_a_silent_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "silent"
    silent.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Valkey server v=1.0 x" && exit\nexec sleep 60\n'
    )
    silent.chmod(0o755)
    monkeypatch.setattr("config.valkey.binary", lambda: silent)

    with pytest.raises(ProcessFailed, match="silent"):
        await EmbeddedValkey(tmp_path / "d", ready_within=timedelta(milliseconds=200)).start()


async def test_a_binary_that_does_not_tell_its_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.valkey.binary", lambda: Path("/bin/true"))

    with pytest.raises(ProcessFailed, match="version"):
        await EmbeddedValkey(tmp_path).start()


async def test_a_stopped_server_that_hangs_is_killed(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path, stops_within=timedelta(milliseconds=100))
    await server.start()
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)

    await server.stop()

    assert not is_alive(pid)


def test_the_binary_is_found_without_loading_its_package() -> None:
    assert binary().name == "valkey-server"
    assert os.access(binary(), os.X_OK)
