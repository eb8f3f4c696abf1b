"""The data folder of an embedded server: who may use it, and which server wrote it.

Two servers on one folder both start and both append to the same files, and an older server on
newer files starts empty without a word. Neither may happen, hence the lock and the stamp.
"""

import asyncio
import fcntl
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.errors import FolderInUse, FolderUnusable
from config.private_file import replace_private

LAYOUT = 1
PATIENCE = timedelta(seconds=3)
PAUSE = timedelta(milliseconds=20)
Version = tuple[int, ...]


class Stamp(BaseModel):
    """What last wrote into the folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: int
    server: str = Field(pattern=r"^\d+(\.\d+)*$")


async def lock(folder: Path) -> int:
    """Take the folder for this process; give back the descriptor that holds the lock.

    The lock lasts until every copy of the descriptor is closed. Waits a moment: a server whose
    parent was just killed may be on its way out.
    """
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(PATIENCE // PAUSE):
        if _taken(handle):
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            return handle
        await asyncio.sleep(PAUSE.total_seconds())
    holder = os.pread(handle, 32, 0).decode() or "unknown"
    os.close(handle)
    raise FolderInUse(
        f"{folder} is in use by process {holder}. Stop it first, or set HUB_DATA_DIR."
    )


def stamp(folder: Path, version: str) -> None:
    """Note that the server of this version writes here from now on; refuse if it must not."""
    path = folder / "stamp.json"
    if path.exists():
        _check(_read(path), path, version)
    elif (folder / "appendonlydir").exists():
        raise FolderUnusable(f"{folder} holds statements, but {path.name} is missing.")
    replace_private(path, Stamp(layout=LAYOUT, server=version).model_dump_json())


def _taken(handle: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _read(path: Path) -> Stamp:
    try:
        return Stamp.model_validate_json(path.read_bytes())
    except ValidationError:
        raise FolderUnusable(f"{path} cannot be read: written by an unknown release?") from None


def _check(found: Stamp, path: Path, version: str) -> None:
    if found.layout != LAYOUT:
        raise FolderUnusable(f"{path.parent} has layout {found.layout}, known here is {LAYOUT}.")
    if _ordered(found.server) > _ordered(version):
        raise FolderUnusable(
            f"{path.parent} was written by server {found.server}, here is {version}; "
            "an older server would not see what it holds. Install the newer release again."
        )


def _ordered(version: str) -> Version:
    return tuple(int(part) for part in version.split("."))
