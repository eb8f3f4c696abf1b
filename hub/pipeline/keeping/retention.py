"""Retention: raw bytes whose time is over are removed; what was made of them stays told."""

import structlog

from hub.landing.place import bundle_of, unpacked
from hub.landing.store import Landing
from hub.registry.pipeline.file_records import SourceFile
from hub.registry.pipeline.source_files import SourceFiles

log = structlog.get_logger()


class Retention:
    """Removes what is no longer to be kept."""

    def __init__(self, files: SourceFiles, landing: Landing) -> None:
        self._files = files
        self._landing = landing

    async def run(self) -> None:
        """Remove all of it. Raises RegistryUnavailable, LandingUnavailable."""
        while expired := await self._files.expired():
            ids = frozenset(file.id for file in expired)
            for file in expired:
                await self._remove(file, ids)
            # After the bytes: a crash in between removes them once more, and leaves none behind.
            await self._files.note_removed([file.id for file in expired])
            log.info("files.removed", files=len(expired))

    async def _remove(self, file: SourceFile, ids: frozenset[str]) -> None:
        if file.unpacked:
            await self._landing.remove(unpacked(file.place))
        bundle = bundle_of(file.place)
        if bundle is None:
            await self._landing.remove(file.place)
        elif await self._files.bundled_with(bundle, file) <= ids:
            # The last of those in it; for each before, it had to stay.
            await self._landing.remove(bundle)
