"""Lookups: the tables of a source, as files on this machine that the mill can open.

A table is the latest file of another source of the same program; its bytes are copied here once.
"""

from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

from hub.errors import NotLanded
from hub.landing.store import Landing
from hub.pipeline.chunks.table_files import TableFiles
from hub.pipeline.chunks.unpacking import GZIP, unpack
from hub.pipeline.mill.asking import TableFile
from hub.pipeline.mill.tables import LARGEST
from hub.pipeline.said import said_of
from hub.records.fault import FileFault
from hub.registry.pipeline.file_records import SourceFile
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import SourceRecord, Sources
from hub.sources.settings import BucketSource, CsvSource, PollSource


class NoTable(Exception):
    """A table that is not there yet, or too large; says which."""


class Lookups:
    """Fetches tables."""

    def __init__(
        self, sources: Sources, files: SourceFiles, landing: Landing, tables: TableFiles
    ) -> None:
        self._sources = sources
        self._files = files
        self._landing = landing
        self._tables = tables

    async def tidy(self) -> None:
        """Remove the copies of tables that nobody has looked up in for long."""
        await self._tables.tidy()

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
        path = await self._tables.find(file.sha256)
        if path is not None:
            return path
        try:
            content = await self._content(file)
        except (NotLanded, FileFault) as error:
            raise NoTable(f"the table {file.name} {error}") from error
        return await self._tables.keep(file.sha256, content)

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
