"""What a worker does with landed files, around the application of a test."""

from pathlib import Path

from hub.api.house import House
from hub.landing.folder import FolderLanding
from hub.landing.store import Landing
from hub.pipeline.chunks.cutting_up import Cutting
from hub.pipeline.chunks.lookups import Lookups
from hub.pipeline.chunks.table_files import TableFiles
from hub.pipeline.chunks.targets import Targets
from hub.pipeline.chunks.transforming import Transforming
from hub.pipeline.keeping.retention import Retention
from hub.registry.pipeline.file_work import FileWork
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.sources import Sources
from hub.registry.sql.database import Database
from hub.registry.trust.vault import Vault
from hub.taking import Intake, Taking

SECRET_KEY = b"k" * 32
MOST_STEPS = 1000


class Works:
    """Cuts files up, and transforms chunks; with other stores and doors, if a test wants."""

    def __init__(
        self,
        house: House,
        folder: Path,
        database: Database,
        *,
        landing: Landing | None = None,
        intake: Intake | None = None,
        largest: int = 50_000,
    ) -> None:
        clock = house.clock
        landing = landing or FolderLanding(folder / "landing")
        work = FileWork(database, clock)
        sources = Sources(database, Vault([SECRET_KEY]), clock)
        files = SourceFiles(database, clock)
        self.cutting = Cutting(
            work, sources, landing, house.milling, clock, folder / "spool", largest
        )
        self.transforming = Transforming(
            work,
            sources,
            landing,
            house.milling,
            Targets(house.integrations, house.providers),
            Lookups(sources, files, landing, TableFiles(folder / "tables", clock)),
            Taking(intake or house.intake, house.integrations, house.control),
            clock,
        )
        self.retention = Retention(files, landing)

    async def run(self) -> None:
        """Do all there is to do now."""
        for _ in range(MOST_STEPS):
            cut, made = await self.cutting.step(), await self.transforming.step()
            if not cut and not made:
                return
        raise AssertionError("there is no end of work")
