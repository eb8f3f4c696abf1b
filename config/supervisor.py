"""Keeps processes running: up rank by rank, each ready before the next, and down in reverse.

A member that dies is started again, later each time it dies young; the others stay up meanwhile,
because each of them reconnects by itself. A member that dies before it was ever ready ends the
whole start instead: something is wrong that waiting will not mend.
"""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from config.children import end, spawn
from config.errors import ConfigError, ProcessFailed

SHORTEST_PAUSE = timedelta(milliseconds=500)
LONGEST_PAUSE = timedelta(seconds=30)
GROWN_UP = timedelta(seconds=60)
"""Who has lived this long is started again at once, as if it had never died."""
BETWEEN_LOOKS = timedelta(milliseconds=50)

log = structlog.get_logger()


class Member(Protocol):
    """Something that can be started, waited for, and stopped."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    async def start(self) -> None:
        """Start it and return when it is ready; raise ConfigError if it will not be."""
        ...

    async def wait(self) -> int:
        """Wait until it ends; its exit code."""
        ...

    async def stop(self, hurry: asyncio.Event) -> None:
        """Let it finish what it has begun, then end it; at once when `hurry` is set."""
        ...


@dataclass(slots=True)
class Command:
    """A member that is a command of ours: a process, and a question that tells when it is ready."""

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] | None = None
    is_ready: Callable[[], Awaitable[bool]] | None = None
    ready_within: timedelta = timedelta(seconds=60)
    drains_within: timedelta = timedelta(seconds=10)
    _process: Process | None = field(default=None, init=False, repr=False)

    async def start(self) -> None:
        """Start the process and wait until it is ready."""
        self._process = await spawn(self.argv, environ=self.environ)
        ended = asyncio.ensure_future(self._process.wait())
        ready = asyncio.ensure_future(self._until_ready())
        try:
            await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise ProcessFailed(
                    f"{self.name} ended before it was ready (exit {ended.result()})"
                )
            await ready
        finally:
            ended.cancel()
            ready.cancel()

    async def wait(self) -> int:
        """Wait until the process ends."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} was never started")
        return await self._process.wait()

    async def stop(self, hurry: asyncio.Event) -> None:
        """Send SIGTERM, and SIGKILL when the time to drain is over."""
        if self._process is not None:
            await end(self._process, within=self.drains_within, hurry=hurry)

    async def _until_ready(self) -> None:
        if self.is_ready is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self.ready_within.total_seconds()):
                while not await self.is_ready():  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(BETWEEN_LOOKS.total_seconds())
                return
        raise ProcessFailed(
            f"{self.name} is not ready after {self.ready_within.total_seconds():g} s"
        )


@dataclass(slots=True)
class Errand(Command):
    """A command that is ready when it has ended well, and is not started again."""

    async def start(self) -> None:
        """Run the process to its end."""
        self._process = await spawn(self.argv, environ=self.environ)
        code = await self._process.wait()
        if code != 0:
            raise ProcessFailed(f"{self.name} failed (exit {code})")

    async def wait(self) -> int:
        """Wait for ever: an errand that is done cannot die."""
        await asyncio.Event().wait()
        return 0


class Supervisor:
    """Ranks of members, from those that all others need to those that need all others.

    The members of one rank come up together and go down together.
    """

    def __init__(
        self, ranks: Sequence[Sequence[Member]], *, first_pause: timedelta = SHORTEST_PAUSE
    ) -> None:
        self._ranks = ranks
        self._first_pause = first_pause
        self._keepers: list[asyncio.Task[None]] = []

    async def run(
        self,
        *,
        stop: asyncio.Event,
        hurry: asyncio.Event,
        when_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Bring all members up, keep them up until `stop`, bring them down again.

        `when_up` is called once all are ready. Raises ConfigError if one does not come up; then,
        too, nothing is left running.
        """
        begun: list[Sequence[Member]] = []
        life = asyncio.ensure_future(self._live(begun, when_up))
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({life, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            await _cancel(life, *self._keepers)
            await self._down(begun, hurry)
        if not life.cancelled():
            life.result()

    async def _live(
        self, begun: list[Sequence[Member]], when_up: Callable[[], Awaitable[None]] | None
    ) -> None:
        for rank in self._ranks:
            # Noted first: what fails half-way through its start has to be ended as well.
            begun.append(rank)
            await _start(rank)
            self._keepers.extend(asyncio.create_task(self._keep(member)) for member in rank)
        if when_up is not None:
            await when_up()
        await asyncio.gather(*self._keepers)

    async def _keep(self, member: Member) -> None:
        clock = asyncio.get_running_loop().time
        pause = self._first_pause
        while True:
            born = clock()
            code = await _outlive(member)
            if clock() - born > GROWN_UP.total_seconds():
                pause = self._first_pause
            seconds = pause.total_seconds()
            log.warning("process.died", process=member.name, exit=code, again_in_seconds=seconds)
            await asyncio.sleep(seconds)
            pause = min(pause * 2, LONGEST_PAUSE)
            await _restart(member)

    async def _down(self, begun: Sequence[Sequence[Member]], hurry: asyncio.Event) -> None:
        for rank in reversed(begun):
            async with asyncio.TaskGroup() as group:
                for member in rank:
                    group.create_task(_stop(member, hurry))


async def _start(rank: Sequence[Member]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for member in rank:
                group.create_task(member.start())
    except* ConfigError as failed:
        raise failed.exceptions[0] from None
    for member in rank:
        log.info("process.started", process=member.name)


async def _outlive(member: Member) -> int | None:
    with suppress(ProcessFailed):
        return await member.wait()
    return None


async def _restart(member: Member) -> None:
    try:
        await member.start()
    except (ConfigError, OSError) as error:
        log.warning("process.restart_failed", process=member.name, reason=str(error))
        # It may be alive without being ready, and nothing may run twice.
        await member.stop(_at_once())
    else:
        log.info("process.restarted", process=member.name)


async def _stop(member: Member, hurry: asyncio.Event) -> None:
    await member.stop(hurry)
    log.info("process.stopped", process=member.name)


async def _cancel(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    # What they came to is asked for by their owner, or was logged.
    await asyncio.wait(tasks)


def _at_once() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
