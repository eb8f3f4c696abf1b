"""Spool: bytes on their way into the store, on a disk of ours, so that memory never holds them.

Whoever writes one holds a lock on it, which ends with the process. So what a killed process left
behind is swept away by the next that starts; nothing there is the record of anything.
"""

import asyncio
import fcntl
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hub.errors import LandingUnavailable, TooLarge

BUFFER = 1024 * 1024
SUFFIX = ".part"


class Spool:
    """One temporary file, and what is known of its bytes so far."""

    def __init__(self, path: Path, descriptor: int, most: int) -> None:
        self.path = path
        self.size = 0
        self._descriptor = descriptor
        self._most = most
        self._hash = hashlib.sha256()
        self._buffer = bytearray()

    @property
    def sha256(self) -> str:
        """The digest of all that was written."""
        return self._hash.hexdigest()

    async def write(self, part: bytes) -> None:
        """Add bytes. Raises TooLarge, LandingUnavailable."""
        self.size += len(part)
        if self.size > self._most:
            raise TooLarge(f"at most {self._most:,} bytes are taken in one file")
        self._buffer += part
        if len(self._buffer) >= BUFFER:
            await self._flush()

    async def close(self) -> None:
        """Write the rest, and see to it that it is on the disk."""
        await self._flush()
        await asyncio.to_thread(_sync, self._descriptor)

    async def _flush(self) -> None:
        buffer, self._buffer = self._buffer, bytearray()
        await asyncio.to_thread(self._put, bytes(buffer))

    def _put(self, part: bytes) -> None:
        self._hash.update(part)
        try:
            written = 0
            while written < len(part):
                written += os.write(self._descriptor, part[written:])
        except OSError as error:
            raise LandingUnavailable(f"the landing store cannot be written: {error}") from error


@asynccontextmanager
async def open_spool(folder: Path, most: int) -> AsyncIterator[Spool]:
    """Open a spool for at most `most` bytes; what is still there at the end is removed."""
    try:
        await asyncio.to_thread(lambda: folder.mkdir(parents=True, exist_ok=True))
        descriptor, name = await asyncio.to_thread(_make, folder)
    except OSError as error:
        raise LandingUnavailable(f"the landing store cannot be written: {error}") from error
    path = Path(name)
    try:
        yield Spool(path, descriptor, most)
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            await asyncio.to_thread(path.unlink)


def sweep(folder: Path) -> int:
    """Remove what killed processes left in a spool's folder; say how many files that were."""
    return sum(_is_swept(path) for path in folder.glob(f"*{SUFFIX}"))


def _is_swept(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            # Just made, it is still empty, and perhaps not locked yet.
            if not os.fstat(file.fileno()).st_size:
                return False
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except OSError:
        # Somebody writes it, or has finished it meanwhile.
        return False
    return True


def _make(folder: Path) -> tuple[int, str]:
    descriptor, name = tempfile.mkstemp(SUFFIX, "", folder)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor, name


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise LandingUnavailable(f"the landing store cannot be written: {error}") from error
