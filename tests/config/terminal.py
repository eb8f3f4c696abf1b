"""A machine that has the command line, and nothing of the hub but its address and a key."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path

from config.run import hub

WIDTH = 100
KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")


class Terminal:
    """Runs commands against a hub somewhere else."""

    def __init__(self, folder: Path, url: str, key: str) -> None:
        self.folder = folder
        self.environ = {n: v for n, v in os.environ.items() if n in KEPT}
        self.environ |= {"HUB_URL": url, "HUB_API_KEY": key, "HUB_LOG_LEVEL": "warning"}

    async def hub(self, *words: str, **environ: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *hub(),
            *words,
            env={**self.environ, **environ},
            cwd=self.folder,
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def seen(self, *words: str) -> tuple[int | None, str, str]:
        """Run a command on a real terminal; give its exit code, its output, what was to be seen.

        Its standard output is piped away, so that both can be told apart.
        """
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        process = await asyncio.create_subprocess_exec(
            *hub(),
            *words,
            env={**self.environ, "TERM": "xterm-256color"},
            cwd=self.folder,
            stdin=its,
            stdout=PIPE,
            stderr=its,
        )
        os.close(its)
        screen = asyncio.create_task(asyncio.to_thread(_all_of, ours))
        out, _ = await process.communicate()
        return process.returncode, out.decode(), (await screen).decode()


def _all_of(terminal: int) -> bytes:
    found = bytearray()
    # When nobody holds the other end any more, Linux gives EIO.
    with os.fdopen(terminal, "rb", buffering=0) as reading, suppress(OSError):
        while piece := reading.read(4096):
            found += piece
    return bytes(found)
