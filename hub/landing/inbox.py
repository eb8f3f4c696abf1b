"""Somebody's folder, seen as a bucket: its files, and those of the folders in it.

What a link leads to is read only where the folder itself lies, or where the operator allows it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from hub.errors import LandingUnavailable, NotLanded
from hub.landing.found import Found, Unreadable, objection

LISTED_AT_ONCE = 500
STREAMED = 1024 * 1024
OUTSIDE = "a link leads to where nothing may be read"


class Inbox:
    """A folder to be looked through; `allowed` are the folders that may be read at all."""

    def __init__(self, root: Path, allowed: Sequence[str]) -> None:
        self._root = root
        self._allowed = real_paths(allowed)

    async def list(self, prefix: str) -> AsyncIterator[Sequence[Found | Unreadable]]:
        """Go through the files below a prefix, some at a time. Raises LandingUnavailable."""
        below = prefix.strip("/")
        files = self._walk(f"{below}/" if below else "")
        try:
            if not self._root.is_dir():
                raise LandingUnavailable(f"file://{self._root} does not work: it is no folder")
            while some := await asyncio.to_thread(lambda: [*islice(files, LISTED_AT_ONCE)]):
                yield some
        except OSError as error:
            raise LandingUnavailable(f"file://{self._root} does not work: {error}") from error

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Give the bytes of a file, a part at a time. Raises NotLanded."""
        try:
            with await asyncio.to_thread(self._open, key) as file:
                while part := await asyncio.to_thread(file.read, STREAMED):
                    yield part
        except FileNotFoundError as error:
            raise NotLanded(f"there is nothing at {key}") from error
        except OSError as error:
            raise NotLanded(f"it cannot be read: {error.strerror}") from error

    def _open(self, key: str) -> BinaryIO:
        # Looked at again: it may have become a link since it was listed.
        real = os.path.realpath(self._root / key)
        if not is_within(real, self._allowed):
            raise NotLanded(OUTSIDE)
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        return os.fdopen(descriptor, "rb")

    def _walk(self, below: str) -> Iterator[Found | Unreadable]:
        seen = set[str]()
        waiting = [below]
        while waiting:
            folder = waiting.pop()
            real = os.path.realpath(self._root / folder)
            if not is_within(real, self._allowed):
                yield Unreadable(folder, OUTSIDE)
                continue
            # A link may lead to a folder that it is in.
            if real in seen:
                continue
            seen.add(real)
            try:
                entries = sorted(os.scandir(self._root / folder), key=lambda one: one.name)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                yield Unreadable(folder, f"it cannot be read: {error.strerror}")
                continue
            for one in entries:
                key = f"{folder}{one.name}"
                if _is_folder(one):
                    waiting.append(f"{key}/")
                elif (found := self._found(key, one)) is not None:
                    yield found

    def _found(self, key: str, one: "os.DirEntry[str]") -> Found | Unreadable | None:
        try:
            if not one.is_file():
                return None
            if not is_within(os.path.realpath(one.path), self._allowed):
                return Unreadable(key, OUTSIDE)
            if reason := objection(key):
                return Unreadable(key, reason)
            stat = one.stat()
        except FileNotFoundError:
            # Gone since it was listed.
            return None
        except OSError as error:
            return Unreadable(key, f"it cannot be read: {error.strerror}")
        # As the library of object stores has it, by which they were known before.
        etag = f"{stat.st_ino:x}-{stat.st_mtime_ns // 1000:x}-{stat.st_size:x}"
        changed_at = datetime.fromtimestamp(stat.st_mtime, UTC)
        return Found(key, etag, stat.st_size, changed_at)


def _is_folder(one: "os.DirEntry[str]") -> bool:
    # A link that leads to itself cannot be asked; as a file it is told.
    with suppress(OSError):
        return one.is_dir()
    return False


def real_paths(folders: Sequence[str]) -> Sequence[str]:
    """Give where folders really lie, links followed."""
    return [os.path.realpath(folder) for folder in folders]


def is_within(real: str, allowed: Sequence[str]) -> bool:
    """Say whether a path lies within one of the folders that may be read; all without links."""
    return any(Path(real).is_relative_to(folder) for folder in allowed)
