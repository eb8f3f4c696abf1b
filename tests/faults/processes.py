"""The processes of the house, as a supervisor would start them; told everything by environment."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from config.children import die_with_parent
from config.run import hub

ENDED_WITHIN = 20


async def start(
    environ: Mapping[str, str], *words: str, log: Path, program: Sequence[str] = ()
) -> Process:
    """Start a command of ours; it dies with us, whatever happens to us.

    `program` stands for `hub`, if a test has a program of its own around it.
    """
    with log.open("ab") as written:
        return await asyncio.create_subprocess_exec(
            *(program or hub()),
            *words,
            env=dict(environ),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=written,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )


async def answer(environ: Mapping[str, str], *words: str) -> bytes:
    """Run a command of ours to its end, and give what it wrote to standard output."""
    process = await asyncio.create_subprocess_exec(
        *hub(), *words, env=dict(environ), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    said, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return said


async def kill(process: Process) -> None:
    """Kill -9, and wait until it is gone."""
    if process.returncode is None:
        process.kill()
    await process.wait()


async def end(process: Process) -> int:
    """Ask a process to end, and give its exit code."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(ENDED_WITHIN):
        return await process.wait()
