"""What stands around the parts of the pipeline in tests: SQL on SQLite, and folders."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hub.landing.folder import FolderLanding
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.arriving.turns import Turns
from hub.registry.parties.notices import Notices
from hub.registry.parties.programs import Programs
from hub.registry.pipeline.file_records import SourceFile
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import SourceKind, SourceRecord, Sources
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from hub.registry.sql.tables import SourceRow
from hub.registry.trust.vault import Vault
from hub.sources.hidden import take_out
from hub.sources.settings import READ
from tests.fakes.clock import FakeClock

LARGEST = 100_000


@dataclass
class Room:
    """A program with sources, and where their bytes land."""

    folder: Path
    clock: FakeClock
    database: Database
    sources: Sources
    files: SourceFiles
    leases: SqlLeases
    notices: Notices
    landing: FolderLanding
    receiving: Receiving

    async def source(self, **said: object) -> SourceRecord:
        """Make a source, as the API does."""
        read = READ.validate_python({"name": "From there", "recipe": "github", **said})
        written = read.model_dump(mode="json", by_alias=True, exclude={"kind"})
        settings, secrets = take_out(written)
        return await self.sources.create(
            "ACME",
            SourceKind(read.kind),
            settings,  # type: ignore[arg-type]  # what pydantic dumps as JSON is JSON
            secrets,
            by="test",
        )

    def turns(self, holder: str = "one") -> Turns:
        """Give the turns of one worker."""
        return Turns(self.sources, self.leases, self.notices, self.clock, holder=holder)

    async def spoil(self, source: SourceRecord) -> None:
        """Damage the sealed secrets of a source."""
        async with self.database.write() as session:
            row = await session.get(SourceRow, source.id)
            assert row is not None
            row.secrets = "v1." + "A" * 60

    async def shown(self, source: SourceRecord) -> SourceRecord:
        """Give a source as it is now."""
        found = await self.sources.find(source.id)
        assert found is not None
        return found

    async def landed(self, source: SourceRecord) -> list[SourceFile]:
        """Give what has landed, oldest first."""
        page = await self.files.list(source.id)
        return [*page.items][::-1]

    async def contents(self, source: SourceRecord) -> list[bytes]:
        """Give the bytes of what has landed, oldest first."""
        return [await self.landing.read(one.place, 0, LARGEST) for one in await self.landed(source)]

    async def told(self) -> list[str]:
        """Give what the contacts of the program are to be told."""
        return [one.words for one in await self.notices.pending("ACME")]


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@pytest.fixture
async def room(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    database = Database(sqlite_url)
    clock, vault = FakeClock(), Vault([b"k" * 32])
    files, landing = SourceFiles(database, clock), FolderLanding(tmp_path / "landing")
    await Programs(database, vault, clock).create("ACME", "Acme", by="test")
    yield Room(
        folder=tmp_path,
        clock=clock,
        database=database,
        sources=Sources(database, vault, clock),
        files=files,
        leases=SqlLeases(database, clock),
        notices=Notices(database, clock),
        landing=landing,
        receiving=Receiving(landing, files, clock, tmp_path / "spool", LARGEST),
    )
    await database.close()
