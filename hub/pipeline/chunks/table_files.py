"""Tables on this machine: copies of landed files, for the mill to open, named by what they are.

Several processes share the folder. What nobody looks up in any more goes: it is data of people that
is kept where it landed, and no longer than there.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from hub.errors import LandingUnavailable
from hub.registry.sql.clock import Clock

MOST_TABLES = 20
MOST_BYTES = 512 * 1024 * 1024
IN_USE = timedelta(minutes=2)
"""So long after its last use a table stays in any case: a mill may be about to open it."""
UNUSED = timedelta(days=1)
BROKEN_OFF = timedelta(hours=1)
"""So old, what somebody was writing is what a killed process left."""
TABLE, PART = ".table", ".part"


class _Known(NamedTuple):
    used_at: datetime
    size: int
    path: Path


class TableFiles:
    """A folder of tables, bounded in number, size and age. Raises LandingUnavailable."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def find(self, sha256: str) -> Path | None:
        """Give the file of a table, and note that it is used; None if there is none."""
        path = self._path(sha256)
        try:
            await asyncio.to_thread(self._use, path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _translated(error) from error
        return path

    async def keep(self, sha256: str, content: bytes) -> Path:
        """Write a table down, and make room for it."""
        path = self._path(sha256)
        try:
            await asyncio.to_thread(self._write, path, content)
        except OSError as error:
            raise _translated(error) from error
        return path

    async def tidy(self) -> None:
        """Remove what nobody has used for long, and what killed processes left."""
        await asyncio.to_thread(self._tidy)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}{TABLE}"

    def _use(self, path: Path) -> None:
        now = self._clock().timestamp()
        os.utime(path, (now, now))

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room(len(content))
        # A name of its own: another process may be writing the same table.
        part = path.with_suffix(f".{uuid4().hex}{PART}")
        try:
            part.write_bytes(content)
            self._use(part)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _make_room(self, size: int) -> None:
        tables = sorted(self._all(TABLE))
        count, size = len(tables) + 1, size + sum(table.size for table in tables)
        for table in tables:
            is_in_use = self._clock() - table.used_at < IN_USE
            if is_in_use or (count <= MOST_TABLES and size <= MOST_BYTES):
                return
            table.path.unlink(missing_ok=True)
            count, size = count - 1, size - table.size

    def _tidy(self) -> None:
        now = self._clock()
        left = [one for one in self._all(TABLE) if now - one.used_at > UNUSED]
        left += (one for one in self._all(PART) if now - one.used_at > BROKEN_OFF)
        for one in left:
            one.path.unlink(missing_ok=True)

    def _all(self, suffix: str) -> Iterator[_Known]:
        for path in self._folder.glob(f"*{suffix}"):
            # Another process may be tidying up too.
            with suppress(FileNotFoundError):
                stat = path.stat()
                yield _Known(datetime.fromtimestamp(stat.st_mtime, UTC), stat.st_size, path)


def _translated(error: OSError) -> LandingUnavailable:
    return LandingUnavailable(f"no table can be written: {error}")
