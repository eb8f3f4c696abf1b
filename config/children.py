"""Processes that this one starts, and that never outlive it.

A child asks the kernel to be signalled when its parent dies (Linux), so that not even `kill -9`
of the parent leaves one behind. Only what was started here is ever signalled, through the handle
that asyncio holds; a number that was read somewhere is never taken for a process.
"""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LINUX = sys.platform == "linux"
# Loaded before any fork: the child may not take the loader's lock between fork and exec.
LIBC = ctypes.CDLL(None, use_errno=True) if LINUX else None


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the thread of `parent` that started it ends.

    Without effect where the kernel knows nothing of the kind (macOS).
    """
    if LIBC is None:
        return
    if LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died before the line above; then nobody will ever signal us.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


async def spawn(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> Process:
    """Start a process that ends when this one does.

    It gets a session of its own, so that Ctrl-C on the terminal reaches us alone and we decide on
    the order. Its log joins ours; what it answers on standard output nobody asked for. `keep`:
    descriptors it inherits.
    """
    return await asyncio.create_subprocess_exec(
        *argv,
        env=None if environ is None else dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        pass_fds=tuple(keep),
        start_new_session=True,
        preexec_fn=_last_will(os.getpid()),
    )


async def end(process: Process, *, within: timedelta, hurry: asyncio.Event | None = None) -> None:
    """Ask it to end; after `within`, or as soon as `hurry` is set, end it."""
    if process.returncode is not None:
        return
    process.terminate()
    ended = asyncio.ensure_future(process.wait())
    hurried = asyncio.ensure_future((hurry or asyncio.Event()).wait())
    await asyncio.wait(
        {ended, hurried}, timeout=within.total_seconds(), return_when=asyncio.FIRST_COMPLETED
    )
    hurried.cancel()
    if not ended.done():
        process.kill()
    await ended


def _last_will(parent: int) -> Callable[[], None]:
    return lambda: die_with_parent(parent)
