"""Lookups: the tables of a source, as files on this machine that the mill can open.

A table is the latest file of another source of the same program; its bytes are copied here once.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

from hub.errors import LandingUnavailable, NotLanded
from hub.landing.store import Landing
from hub.pipeline.asking import TableFile
from hub.pipeline.said import said_of
from hub.pipeline.tables import LARGEST
from hub.pipeline.unpacking import GZIP, unpack
from hub.records.fault import FileFault
from hub.registry.file_records import SourceFile
from hub.registry.source_files import SourceFiles
from hub.registry.sources import SourceRecord, Sources
from hub.sources.settings import BucketSource, CsvSource, PollSource

KEPT = 20


class NoTable(Exception):
    """A table that is not there yet, or too large; says which."""


class Lookups:
    """Fetches tables."""

    def __init__(
        self, sources: Sources, files: SourceFiles, landing: Landing, folder: Path
    ) -> None:
        self._sources = sources
        self._files = files
        self._landing = landing
        self._folder = folder

    async def of(self, source: SourceRecord) -> dict[str, TableFile]:
        """Give the tables of a source by name. Raises NoTable, LandingUnavailable."""
        wanted = source.settings.get("lookups")
        found: dict[str, TableFile] = {}
        for name, lookup in wanted.items() if isinstance(wanted, Mapping) else ():
            if isinstance(lookup, Mapping):
                found[name] = await self._one(source, name, lookup)
        return found

    async def _one(
        self, source: SourceRecord, name: str, lookup: Mapping[str, object]
    ) -> TableFile:
        known = await self._sources.find_with_secrets(str(lookup["source"]))
        other = known[0] if known else None
        if known is None or other is None or other.program_id != source.program_id:
            raise NoTable(
                f"the table {name}: there is no source {lookup['source']} in this program"
            )
        file = await self._files.latest(other.id)
        if file is None:
            raise NoTable(f"the table {name}: there is no file of {other.name} yet")
        if file.size > LARGEST:
            raise NoTable(f"the table {name} has more than {LARGEST // 1024 // 1024} MiB")
        said = said_of(other, known[1])
        if not isinstance(said, CsvSource | PollSource | BucketSource):
            raise NoTable(f"the table {name} comes from a webhook, which has no tables")
        return TableFile(str(await self._copy(file)), said.hints, str(lookup["key"]))

    async def _copy(self, file: SourceFile) -> Path:
        path = self._folder / f"{file.sha256}.table"
        if await asyncio.to_thread(path.exists):
            return path
        try:
            content = await self._content(file)
        except (NotLanded, FileFault) as error:
            raise NoTable(f"the table {file.name} {error}") from error
        try:
            await asyncio.to_thread(_write, path, content)
        except OSError as error:
            raise LandingUnavailable(f"no table can be written: {error}") from error
        return path

    async def _content(self, file: SourceFile) -> bytes:
        """Give the bytes of a table, unpacked. Raises NotLanded, FileFault."""
        content = await self._landing.read(file.place, 0, LARGEST)
        if not content.startswith(GZIP):
            return content
        whole = bytearray()
        async with aclosing(unpack(self._landing, file.place, file.size)) as parts:
            async for part in parts:
                whole += part
                if len(whole) > LARGEST:
                    raise FileFault(f"unpacks to more than {LARGEST // 1024 // 1024} MiB")
        return bytes(whole)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = sorted(path.parent.glob("*.table"), key=lambda one: one.stat().st_mtime)
    for old in tables[: max(0, len(tables) - KEPT + 1)]:
        old.unlink(missing_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
