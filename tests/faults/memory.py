"""How much memory a process and its children hold, looked at while something goes on."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY_SECONDS = 0.05


class Highest:
    """Looks again and again; `mebibytes` is the highest that was seen."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._looking: asyncio.Task[None] | None = None
        self.mebibytes = 0.0

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look(self) -> None:
        while True:
            self.mebibytes = max(self.mebibytes, held_by(self._pid))
            await asyncio.sleep(EVERY_SECONDS)


def held_by(pid: int) -> float:
    """Give what a process and its children hold, in MiB; nothing of one that has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        own = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0) / 1024
        children = Path(f"/proc/{pid}/task").glob("*/children")
        return own + sum(
            held_by(int(child)) for one in children for child in one.read_text().split()
        )
    return 0.0
