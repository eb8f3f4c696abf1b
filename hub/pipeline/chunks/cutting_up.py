"""Cutting up: a landed file is looked at, and cut into chunks that any worker can take.

A step reads some MiB from where the last one ended, and is written down; whoever dies in between
leaves the file where it was.
"""

from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import structlog

from delivery.facts.counting import Counting, Uncounted
from hub.errors import LandingUnavailable, NotLanded, TooLarge
from hub.landing.place import unpacked
from hub.landing.spool import open_spool
from hub.landing.store import Landing
from hub.pipeline.chunks.milling import Milling
from hub.pipeline.chunks.unpacking import GZIP, unpack
from hub.pipeline.said import said_of
from hub.records.bounds import LARGEST_DOCUMENT, LONGEST_RECORD
from hub.records.fault import FileFault
from hub.records.format import Format, Hints, Kind
from hub.registry.pipeline.file_records import FileState
from hub.registry.pipeline.file_work import CutStep, FileToCut, FileWork, NewChunk
from hub.registry.pipeline.sources import Sources
from hub.registry.sql.clock import Clock
from hub.sources.settings import FORM, BucketSource, CsvSource, PollSource
from hub.templates.fault import RendererDown

READ_AT_ONCE = 8 * 1024 * 1024
SAMPLE = 2 * LONGEST_RECORD
PAUSE = timedelta(seconds=10)
ENDED = frozenset({FileState.DONE, FileState.FAILED})

log = structlog.get_logger()


class Cutting:
    """Cuts files up."""

    def __init__(
        self,
        work: FileWork,
        sources: Sources,
        landing: Landing,
        milling: Milling,
        clock: Clock,
        spool: Path,
        largest: int,
        meters: Counting | None = None,
    ) -> None:
        self._work = work
        self._sources = sources
        self._landing = landing
        self._milling = milling
        self._clock = clock
        self._spool = spool
        self._largest = largest
        self._meters = meters or Uncounted()

    async def step(self) -> bool:
        """Take one step for one file; False if there was none to take."""
        file = await self._work.claim_cut()
        if file is None:
            return False
        try:
            await self._step(file)
        except (FileFault, NotLanded) as fault:
            log.info("file.refused", file=file.id, source=file.source_id, reason=str(fault))
            await self._work.fail(file, str(fault))
            self._meters.count("files", "failed")
        except (LandingUnavailable, RendererDown) as error:
            log.warning("file.postponed", file=file.id, error=str(error))
            until = self._clock() + PAUSE
            await self._work.postpone_cut(file, until=until, waits_for=str(error))
        return True

    async def _step(self, file: FileToCut) -> None:
        if file.form is None:
            file = await self._looked_at(file)
        form = msgspec.json.decode(file.form or "", type=Format)
        size = await self._landing.size(_place(file)) if file.unpacked else file.size
        if form.kind in (Kind.JSON, Kind.FORM):
            if size > LARGEST_DOCUMENT:
                raise FileFault(
                    f"is a JSON document of more than {LARGEST_DOCUMENT // 1024 // 1024} MiB; "
                    "as JSON Lines it may have any size"
                )
            whole = NewChunk(form.begins, size - form.begins, 1)
            step = CutStep(file.form or "", file.unpacked, [whole], size, 1, is_last=True)
        else:
            step = await self._cut(file, form, size)
        state = await self._work.record_cut(file, step)
        if state in ENDED:
            self._meters.count("files", state)

    async def _looked_at(self, file: FileToCut) -> FileToCut:
        sample = await self._landing.read(file.place, 0, SAMPLE)
        if sample.startswith(GZIP):
            await self._unpack(file)
            file = replace(file, unpacked=True)
            sample = await self._landing.read(_place(file), 0, SAMPLE)
        try:
            hints = await self._hints(file)
            form = await self._milling.look(sample, hints, whole=len(sample) < SAMPLE)
        except FileFault:
            if file.unpacked:
                # It is not written down yet that this is there, and it never will be.
                await self._landing.remove(_place(file))
            raise
        written = msgspec.json.encode(form).decode()
        return replace(file, form=written, through=form.begins, next_line=form.first_line)

    async def _unpack(self, file: FileToCut) -> None:
        async with (
            open_spool(self._spool, self._largest) as spool,
            aclosing(unpack(self._landing, file.place, file.size)) as parts,
        ):
            try:
                async for part in parts:
                    await spool.write(part)
            except TooLarge:
                raise FileFault(f"unpacks to more than {self._largest:,} bytes") from None
            await spool.close()
            await self._landing.keep(unpacked(file.place), spool)

    async def _hints(self, file: FileToCut) -> Hints:
        found = await self._sources.find_with_secrets(file.source_id)
        if found is None:
            raise NotLanded("the source is gone")
        said = said_of(*found)
        if isinstance(said, CsvSource | PollSource | BucketSource):
            return said.hints
        # Of a webhook its sender says what it is; only what is read again comes here.
        media_type = file.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Hints(Kind.FORM if media_type == FORM else Kind.JSON, pointer=said.records)

    async def _cut(self, file: FileToCut, form: Format, size: int) -> CutStep:
        content = await self._landing.read(_place(file), file.through, READ_AT_ONCE)
        at_end = file.through + len(content) >= size
        cuts = await self._milling.cut(content, form, line=file.next_line, at_end=at_end)
        chunks: list[NewChunk] = []
        through = file.through
        for part in cuts.parts:
            chunks.append(NewChunk(through, part.size, part.line))
            through += part.size
        return CutStep(
            form=file.form or "",
            unpacked=file.unpacked,
            chunks=chunks,
            through=through,
            next_line=cuts.line,
            is_last=at_end or cuts.fault is not None,
            trouble=f"line {cuts.line}: {cuts.fault}" if cuts.fault else None,
        )


def _place(file: FileToCut) -> str:
    return unpacked(file.place) if file.unpacked else file.place
