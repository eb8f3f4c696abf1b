"""A landing store in a folder: written, synced, renamed, and the folder synced too."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from hub.errors import LandingUnavailable, NotLanded
from hub.landing.place import is_key
from hub.landing.spool import Spool

T = TypeVar("T")


class FolderLanding:
    """Keeps each key as a file of that name below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def keep(self, key: str, spool: Spool) -> None:
        """Keep what a closed spool holds. The spool lies on the same disk."""
        await self._do(lambda: _settle(spool.path, self._path(key)))

    async def put(self, key: str, content: bytes) -> None:
        """Keep a few bytes."""
        await self._do(lambda: _write(self._path(key), content))

    async def read(self, key: str, start: int, length: int) -> bytes:
        """Give so many bytes from a place, or fewer at the end. Raises NotLanded."""
        return await self._do(lambda: _read(self._path(key), start, length))

    async def size(self, key: str) -> int:
        """Give how many bytes there are. Raises NotLanded."""
        return await self._do(lambda: self._path(key).stat().st_size)

    async def remove(self, key: str) -> None:
        """Forget a key."""
        await self._do(lambda: self._path(key).unlink(missing_ok=True))

    async def check(self) -> None:
        """Write, read and remove a few bytes."""
        key = f".check-{uuid4().hex}"
        await self.put(key, b"landed")
        if await self.read(key, 0, 10) != b"landed":
            raise LandingUnavailable(f"what was written to {self._root} is not what is read")
        await self.remove(key)

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError(f"{key!r} is no key of this store")
        return self._root / key

    async def _do(self, deed: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(deed)
        except FileNotFoundError as error:
            raise NotLanded(f"there is nothing at {error.filename}") from error
        except OSError as error:
            raise LandingUnavailable(f"the landing store does not work: {error}") from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _settle(part: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    # The name of a file is in its folder: without this, it may be gone after a power cut.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)
