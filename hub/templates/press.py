"""One child process, and the frames that go to and fro. Whatever goes wrong, it is ended."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.templates.child import LENGTH
from hub.templates.fault import RendererDown

HERE = Path(__file__).parents[2]
LONGEST_ANSWER = 256 * 1024 * 1024


class ChildLost(Exception):
    """The child died, or did not answer in time; it is gone."""


class Press:
    """A child process. Started when first asked; one question at a time."""

    def __init__(self, *command: str) -> None:
        """Name the module of the child, and what it is told; without, the one that renders."""
        self._command = command or ("hub.templates.child",)
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._process.pid if self._process else None

    async def ask(self, question: bytes, within: timedelta) -> bytes:
        """Hand a frame over, and give the answer. Raises ChildLost or RendererDown."""
        process = self._process or await self._start()
        answered = False
        try:
            async with asyncio.timeout(within.total_seconds()):
                answer = await _exchange(process, question)
            answered = True
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise ChildLost(f"the child did not answer: {type(error).__name__}") from error
        finally:
            # Also when whoever asked goes away: an answer that is still to come would be read for
            # the next one.
            if not answered:
                await self.end()
        return answer

    async def end(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.end()

    async def _start(self) -> Process:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *self._command),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                # Nothing of ours: no secrets, and no working directory to write to.
                env={"PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"},
                cwd="/",
            )
        except OSError as error:
            raise RendererDown(f"no process can be started: {error.strerror}") from error
        return self._process


async def _exchange(process: Process, question: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the child was started with pipes")
    process.stdin.write(LENGTH.pack(len(question)) + question)
    await process.stdin.drain()
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    if length > LONGEST_ANSWER:
        raise ConnectionError("an answer that long is none of ours")
    return await process.stdout.readexactly(length)
