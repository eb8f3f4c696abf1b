"""A machine that has the command line, and nothing of the hub but its address and a key."""

import asyncio
import os
from asyncio.subprocess import PIPE
from pathlib import Path

from config.run import hub

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
