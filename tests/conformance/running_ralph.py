"""A real LRS, ralph, as a process of its own: started for tests, stopped after them.

It asks the authorization server of the tests about every token that it is shown (RFC 7662).
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.waiting import until

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-ralph" / "bin" / "python"
LAUNCHER = Path(__file__).with_name("ralph_fs.py")
START_SECONDS = 60
CLIENT_ID, CLIENT_SECRET = "ralph", "ralph-secret"


class RalphMissing(RuntimeError):
    """The LRS is not installed."""


@dataclass(frozen=True, slots=True)
class Ralph:
    """A running ralph."""

    port: int
    store: Path

    @property
    def statement_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/xAPI/statements"

    def stored(self) -> list[dict[str, object]]:
        """Read what it has stored, in the order it did so."""
        file = self.store / "fs_lrs.jsonl"
        return [json.loads(line) for line in _lines(file)]

    def raw(self, statement_id: str) -> str:
        """Read one statement as it is written in its store."""
        return next(
            line for line in _lines(self.store / "fs_lrs.jsonl") if f'"{statement_id}"' in line
        )

    def ids(self) -> list[str]:
        """Give the ids of what it has stored."""
        return [str(statement["id"]) for statement in self.stored()]


@asynccontextmanager
async def running_ralph(home: Path, *, issuer: str) -> AsyncIterator[Ralph]:
    """Run ralph on a free port of loopback, with its files in `home`."""
    if not PYTHON.is_file():
        raise RalphMissing("ralph is not installed in .venv-ralph: run `make .venv-ralph/.setup`")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        ralph = Ralph(listener.getsockname()[1], home / "store")
        with (home / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(PYTHON, LAUNCHER, str(listener.fileno())),
                cwd=home,
                env=_environment(home, issuer),
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=log,
            )
    try:
        await _wait_until_ready(ralph, process, home / "log")
        yield ralph
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _environment(home: Path, issuer: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "RALPH_APP_DIR": str(home),
        "RALPH_RUNSERVER_BACKEND": "fs",
        "RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH": str(home / "store"),
        "RALPH_RUNSERVER_AUTH_BACKENDS": "oidc",
        "RALPH_RUNSERVER_AUTH_OIDC_ISSUER_URI": issuer,
        "RALPH_RUNSERVER_AUTH_OIDC_CLIENT_ID": CLIENT_ID,
        "RALPH_RUNSERVER_AUTH_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        # A token that was revoked is refused at once, not a minute later.
        "RALPH_AUTH_OIDC_CACHE_TTL": "0",
        "RALPH_LRS_RESTRICT_BY_AUTHORITY": "true",
        "RALPH_LRS_RESTRICT_BY_SCOPES": "true",
    }


async def _wait_until_ready(ralph: Ralph, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:

        async def answers() -> bool:
            if process.returncode is not None:
                raise RuntimeError(f"ralph ended: {_written(log)}")
            try:
                await client.get(f"http://127.0.0.1:{ralph.port}/__lbheartbeat__")
            except httpx.TransportError:
                return False
            return True

        await until(answers, within=START_SECONDS, what="ralph")


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.is_file() else []


def _written(log: Path) -> str:
    return log.read_text(errors="replace")
