"""A landing store in a folder: written, synced, renamed, and the folder synced too.

What is put or read at the same time is done together, on one thread: each change to another thread
and back costs more than a small file.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from hub.errors import HubError, LandingUnavailable, NotLanded
from hub.landing.place import is_key, size_of, within
from hub.landing.spool import Spool
from hub.landing.store import Kept
from hub.together import Together

LISTED_AT_ONCE = 500

T = TypeVar("T")


class FolderLanding:
    """Keeps each key as a file of that name below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._putting: Together[tuple[Path, bytes], None] = Together(self._put_several)
        self._reading: Together[tuple[Path, int, int], bytes] = Together(self._read_several)

    async def keep(self, key: str, spool: Spool) -> None:
        """Keep what a closed spool holds. The spool lies on the same disk."""
        await self._do(lambda: _settle(spool.path, self._path(key)))

    async def put(self, key: str, content: bytes) -> None:
        """Keep a few bytes."""
        await self._putting.ask((self._path(key), content))

    async def read(self, place: str, start: int, length: int) -> bytes:
        """Give so many bytes from a place, or fewer at the end. Raises NotLanded."""
        key, start, length = within(place, start, length)
        return await self._reading.ask((self._path(key), start, length))

    async def size(self, place: str) -> int:
        """Give how many bytes there are. Raises NotLanded."""
        size = size_of(place)
        return await self._do(lambda: self._path(place).stat().st_size) if size is None else size

    async def remove(self, key: str) -> None:
        """Forget a key."""
        await self._do(lambda: self._path(key).unlink(missing_ok=True))

    async def list(self, folder: str) -> AsyncIterator[Sequence[Kept]]:
        """Go through what is kept right below a folder, some at a time."""
        try:
            with await self._do(lambda: os.scandir(self._path(folder))) as found:
                files = _files(found, folder)
                while some := await self._do(lambda: [*islice(files, LISTED_AT_ONCE)]):
                    yield some
        except NotLanded:
            return

    async def check(self) -> None:
        """Write, read and remove a few bytes."""
        key = f".check-{uuid4().hex}"
        await self.put(key, b"landed")
        if await self.read(key, 0, 10) != b"landed":
            raise LandingUnavailable(f"what was written to {self._root} is not what is read")
        await self.remove(key)

    async def _put_several(
        self, several: Sequence[tuple[Path, bytes]]
    ) -> Sequence[HubError | None]:
        return await asyncio.to_thread(_write_several, several)

    async def _read_several(
        self, several: Sequence[tuple[Path, int, int]]
    ) -> Sequence[bytes | HubError]:
        return await asyncio.to_thread(lambda: [_read(*one) for one in several])

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError(f"{key!r} is no key of this store")
        return self._root / key

    async def _do(self, deed: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(deed)
        except OSError as error:
            raise _translated(error) from error


def _translated(error: OSError) -> HubError:
    if isinstance(error, FileNotFoundError):
        return NotLanded(f"there is nothing at {error.filename}")
    return LandingUnavailable(f"the landing store does not work: {error}")


def _write_several(
    several: Sequence[tuple[Path, bytes]],
) -> Sequence[HubError | None]:
    """Write files, and say of each what was in the way. Each folder is synced once."""
    folders: dict[Path, HubError | None] = {}
    found: list[HubError | None] = []
    for path, content in several:
        try:
            _write(path, content)
        except OSError as error:
            found.append(_translated(error))
        else:
            found.append(None)
            folders[path.parent] = None
    for folder in folders:
        try:
            _sync(folder)
        except OSError as error:
            folders[folder] = _translated(error)
    return [one or folders[path.parent] for one, (path, _) in zip(found, several, strict=True)]


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    descriptor = _create(part)
    try:
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _create(path: Path) -> int:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        _make(path.parent)
        return os.open(path, flags, 0o666)


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _settle(part: Path, path: Path) -> None:
    _make(path.parent)
    part.replace(path)
    _sync(path.parent)


def _make(folder: Path) -> None:
    """Make a folder and those it is in; their names are on the disk when this returns."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    # The name of a file is in its folder: without this, it may be gone after a power cut.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(found: Iterable[os.DirEntry[str]], folder: str) -> Iterator[Kept]:
    for one in found:
        # What is removed meanwhile is passed over.
        with suppress(FileNotFoundError):
            if one.is_file(follow_symlinks=False):
                changed_at = datetime.fromtimestamp(one.stat().st_mtime, UTC)
                yield Kept(f"{folder}/{one.name}", changed_at)


def _read(path: Path, start: int, length: int) -> bytes | HubError:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(length)
    except OSError as error:
        return _translated(error)
