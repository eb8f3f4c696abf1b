"""Processes that a benchmark starts: each ends with its block, and none outlives the benchmark."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from config.children import die_with_parent, end
from config.run import Answers

PATIENCE = timedelta(seconds=60)
POLL_SECONDS = 0.05


@asynccontextmanager
async def started(*argv: str, environ: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """Run a command while the block runs. Its standard output can be read; its log joins ours."""
    parent = os.getpid()
    process = await asyncio.create_subprocess_exec(
        *argv,
        env={**os.environ, **(environ or {})},
        stdin=DEVNULL,
        stdout=PIPE,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent),
    )
    try:
        yield process
    finally:
        await end(process, within=PATIENCE)


@asynccontextmanager
async def started_module(
    name: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Run one of the benchmarks' own modules while the block runs."""
    argv = (sys.executable, "-m", f"benchmarks.{name}", *arguments)
    async with started(*argv, environ=environ) as process:
        yield process


async def first_line(process: Process) -> str:
    """Wait for the first line that a process prints: it is ready then."""
    if process.stdout is None:
        raise AssertionError("`started` gives every process a pipe")
    line = await asyncio.wait_for(process.stdout.readline(), PATIENCE.total_seconds())
    if not line:
        raise RuntimeError(f"process {process.pid} ended before it was ready")
    return line.decode().strip()


async def output(process: Process) -> str:
    """Wait until a process ends by itself; give what it printed."""
    printed, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"process {process.pid} failed (exit {process.returncode})")
    return printed.decode().strip()


async def answers(url: str) -> None:
    """Wait until an address answers 200."""
    ask = Answers(url)
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while not await ask():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(POLL_SECONDS)


def cpu_seconds(pid: int) -> float:
    """Give the CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mebibytes(pid: int) -> float:
    """Give the memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has ended")


def held_by(pid: int) -> float:
    """Give the memory that a process and its children hold."""
    held = resident_mebibytes(pid)
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError, RuntimeError):
            held += sum(held_by(int(child)) for child in children.read_text().split())
    return held


@dataclass(frozen=True, slots=True)
class Counts:
    """What the sink got between the first and the last request."""

    requests: int
    statements: int
    first: float
    last: float

    @property
    def per_second(self) -> float:
        """Statements in a second."""
        return self.statements / (self.last - self.first) if self.last > self.first else 0.0


@dataclass(frozen=True, slots=True)
class Sink:
    """The sink, seen from outside."""

    url: str
    client: httpx.AsyncClient
    process: Process

    @property
    def statements_url(self) -> str:
        """Where statements are posted."""
        return f"{self.url}/statements"

    async def reset(self, *, remember: bool = False) -> None:
        """Count from 0."""
        await self.client.post(f"{self.url}/reset{'?remember' if remember else ''}")

    async def counts(self) -> Counts:
        """Say what has arrived."""
        return Counts(**(await self.client.get(f"{self.url}/counts")).json())

    async def arrivals(self) -> dict[str, float]:
        """Say when each statement arrived."""
        arrived: dict[str, float] = (await self.client.get(f"{self.url}/arrivals")).json()
        return arrived

    async def has(self, statements: int, within: timedelta = timedelta(minutes=10)) -> Counts:
        """Wait until so many statements have arrived."""
        async with asyncio.timeout(within.total_seconds()):
            while (counts := await self.counts()).statements < statements:  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(POLL_SECONDS)
        return counts


@asynccontextmanager
async def open_sink() -> AsyncIterator[Sink]:
    """Start a sink."""
    async with started_module("sink") as process, httpx.AsyncClient(trust_env=False) as client:
        yield Sink(f"http://127.0.0.1:{await first_line(process)}", client, process)


def stopped(process: Process) -> None:
    """Ask a process to end now, where its block goes on."""
    process.send_signal(signal.SIGTERM)
