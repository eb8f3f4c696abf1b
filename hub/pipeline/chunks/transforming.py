"""Transforming: chunks become statements, delivery takes them, and then the chunk is done.

Delivery has all of a chunk before the chunk is settled. A crash in between repeats it with the same
ids, which delivery knows for duplicates.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import structlog

from delivery.facts.counting import Counting, Uncounted
from delivery.facts.errors import QueueFull, StatementConflict, StoreUnavailable, UnknownIntegration
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement, StatementId
from hub.background import cease
from hub.errors import LandingUnavailable, NotLanded
from hub.landing.place import unpacked
from hub.landing.store import Landing
from hub.pipeline.chunks.lookups import Lookups, NoTable
from hub.pipeline.chunks.milling import Milling, RecipeFault
from hub.pipeline.chunks.targets import Targets
from hub.pipeline.mill.asking import Cooking, Ground, Made, Piece, TableFile, Target
from hub.records.format import Format
from hub.registry.pipeline.chunks import CLAIM, ChunkDone, ChunkToDo
from hub.registry.pipeline.file_records import RecordFault
from hub.registry.pipeline.file_work import FileWork
from hub.registry.pipeline.sources import SourceRecord, Sources
from hub.registry.sql.clock import Clock
from hub.taking import Taking
from hub.templates.fault import RendererDown

MOST_CHUNKS = 50
MOST_BYTES = 512 * 1024
AT_ONCE = 500
"""So many statements are handed in at once."""
LONG = timedelta(seconds=3)
"""A source whose lot took longer leaves the others as much time, before its next."""
SOON, LATER = timedelta(seconds=5), timedelta(seconds=30)
NO_TARGETS = "the program has no integration that takes what this source makes"

log = structlog.get_logger()


class Waits(Exception):
    """Something is in the way that is no fault of the file; it is tried again."""

    def __init__(self, reason: str, pause: timedelta, added: Mapping[str, int] = {}) -> None:
        super().__init__(reason)
        self.pause = pause
        self.added = added
        """How many statements of each file were handed in before, that were not known."""


Said = tuple[str, str]
"""The id of a statement, and the digest of its content."""


@dataclass(slots=True)
class _Handed:
    """What delivery said to the statements of one target."""

    accepted: set[Said] = field(default_factory=set)
    conflicts: set[Said] = field(default_factory=set)


class Transforming:
    """Transforms chunks."""

    def __init__(
        self,
        work: FileWork,
        sources: Sources,
        landing: Landing,
        milling: Milling,
        targets: Targets,
        lookups: Lookups,
        taking: Taking,
        clock: Clock,
        meters: Counting | None = None,
    ) -> None:
        self._work = work
        self._sources = sources
        self._landing = landing
        self._milling = milling
        self._targets = targets
        self._lookups = lookups
        self._taking = taking
        self._clock = clock
        self._meters = meters or Uncounted()

    async def step(self) -> bool:
        """Take some chunks, and see them through; True if there were more.

        What comes meanwhile is left for later: a lot of one takes as long as a lot of many.
        """
        chunks, are_more = await self._work.claim_chunks(most=MOST_CHUNKS, most_bytes=MOST_BYTES)
        if not chunks:
            return False
        keeping = asyncio.create_task(self._keep(chunks))
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._see_through(chunks)
        except Waits as waits:
            until = self._clock() + waits.pause
            log.info("chunks.postponed", source=chunks[0].source_id, reason=str(waits))
            await self._work.postpone(chunks, until=until, waits_for=str(waits), added=waits.added)
        finally:
            await cease(keeping)
        took = timedelta(seconds=loop.time() - began)
        if took > LONG:
            await self._work.give_way(chunks[0].source_id, until=self._clock() + took)
        return are_more

    async def _keep(self, chunks: Sequence[ChunkToDo]) -> None:
        while True:
            await asyncio.sleep(CLAIM.total_seconds() / 3)
            await self._work.keep(chunks)

    async def _see_through(self, chunks: Sequence[ChunkToDo]) -> None:
        source = await self._sources.find(chunks[0].source_id)
        if source is None:
            count = await self._work.forget(chunks[0].source_id)
            log.info("chunks.forgotten", source=chunks[0].source_id, chunks=count)
            return
        if not source.is_active:
            raise Waits("the source is disabled", LATER)
        if source.settings.get("recipe") is None:
            raise Waits("the source has no recipe any more", LATER)
        targets = await self._targets.of(source)
        if not targets:
            raise Waits(NO_TARGETS, LATER)
        ground = await self._ground(source, chunks, targets)
        handed = [_Handed() for _ in targets]
        try:
            for place, target in enumerate(targets):
                for statements in _rounds(ground, place):
                    await self._hand_in(target, statements, handed[place])
        except Waits as waits:
            waits.added = _added(chunks, ground, handed)
            raise
        done = [
            _done(chunk, one, new, handed)
            for chunk, one, new in zip(chunks, ground, _new(ground, handed), strict=True)
        ]
        for file_id, state in await self._work.settle(done):
            self._meters.count("files", state)
            log.info("file.ended", file=file_id, source=source.id, state=state)
        rows = sum(one.rows for one in done)
        log.info("chunks.settled", source=source.id, chunks=len(done), rows=rows)
        self._count(done)

    async def _ground(
        self, source: SourceRecord, chunks: Sequence[ChunkToDo], targets: Sequence[Target]
    ) -> list[Ground]:
        try:
            tables = await self._lookups.of(source)
            pieces = await asyncio.gather(*(self._piece(one) for one in chunks))
        except (NotLanded, LandingUnavailable, NoTable) as error:
            raise Waits(str(error), LATER) from error
        try:
            return await self._milling.grind(pieces, cooking_of(source, tables), targets)
        except RecipeFault as fault:
            raise Waits(f"the recipe: {fault}", LATER) from fault
        except RendererDown as error:
            raise Waits(str(error), SOON) from error

    async def _piece(self, chunk: ChunkToDo) -> Piece:
        place = unpacked(chunk.place) if chunk.unpacked else chunk.place
        return Piece(
            content=await self._landing.read(place, chunk.start, chunk.size),
            form=msgspec.json.decode(chunk.form, type=Format),
            line=chunk.line,
            landed_at=chunk.landed_at,
            headers=dict(chunk.headers),
        )

    async def _hand_in(
        self, target: Target, statements: Sequence[Statement], handed: _Handed
    ) -> None:
        for start in range(0, len(statements), AT_ONCE):
            await self._hand_some_in(target, statements[start : start + AT_ONCE], handed)

    async def _hand_some_in(
        self, target: Target, some: Sequence[Statement], handed: _Handed
    ) -> None:
        if not some:
            return
        try:
            taken = await self._taking.take_in(IntegrationId(target.integration_id), some)
        except StatementConflict as conflict:
            known = {str(one) for one in conflict.ids}
            handed.conflicts |= {_said(one) for one in some if one.id in known}
            await self._hand_some_in(target, [one for one in some if one.id not in known], handed)
        except UnknownIntegration:
            # Deleted a moment ago: nobody is to have them.
            return
        except QueueFull as error:
            if len(some) == 1:
                raise Waits(f"{error}; it goes on when there is room", SOON) from error
            # As many as there is room for.
            middle = len(some) // 2
            await self._hand_some_in(target, some[:middle], handed)
            await self._hand_some_in(target, some[middle:], handed)
        except StoreUnavailable as error:
            raise Waits(str(error), SOON) from error
        else:
            accepted = set(taken.accepted)
            handed.accepted |= {_said(one) for one in some if one.id in accepted}

    def _count(self, done: Sequence[ChunkDone]) -> None:
        for outcome, count in (
            ("made", sum(one.statements for one in done)),
            ("skipped", sum(one.skipped for one in done)),
            ("failed", sum(one.failed for one in done)),
        ):
            self._meters.count("records", outcome, by=count)


def cooking_of(source: SourceRecord, tables: dict[str, TableFile]) -> Cooking:
    """Say by which recipe records of a source are made into statements."""
    settings = source.settings
    options, identity = settings.get("recipeOptions"), settings.get("identity")
    return Cooking(
        source=source.id,
        recipe=str(settings["recipe"]),
        options=dict(options) if isinstance(options, Mapping) else {},
        identity=tuple(map(str, identity)) if isinstance(identity, list) else (),
        tables=tables,
    )


def _rounds(ground: Sequence[Ground], place: int) -> list[list[Statement]]:
    """Give what one target gets, each statement once.

    Whatever is told once more under an id of the same round waits for the next: delivery says then
    that it contradicts the first.
    """
    left = {_said(one): one for piece in ground for one in piece.made[place]}
    rounds: list[list[Statement]] = []
    while left:
        now: dict[str, Made] = {}
        left = {said: one for said, one in left.items() if now.setdefault(one.id, one) is not one}
        rounds.append([_statement(one) for one in now.values()])
    return rounds


def _said(one: Statement | Made) -> Said:
    return one.id, one.digest


def _statement(made: Made) -> Statement:
    return Statement(StatementId(made.id), made.body, made.digest)


def _new(ground: Sequence[Ground], handed: Sequence[_Handed]) -> list[int]:
    """Say how many of each piece were not known before; of several alike, the first."""
    left = [set(one.accepted) for one in handed]
    counts: list[int] = []
    for piece in ground:
        before = sum(map(len, left))
        for place, made in enumerate(piece.made):
            left[place].difference_update(map(_said, made))
        counts.append(before - sum(map(len, left)))
    return counts


def _added(
    chunks: Sequence[ChunkToDo], ground: Sequence[Ground], handed: Sequence[_Handed]
) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for chunk, new in zip(chunks, _new(ground, handed), strict=True):
        found[chunk.file_id] += new
    return found


def _done(chunk: ChunkToDo, ground: Ground, new: int, handed: Sequence[_Handed]) -> ChunkDone:
    conflicts = [
        one
        for place, made in enumerate(ground.made)
        for one in made
        if _said(one) in handed[place].conflicts
    ]
    # A record has failed once, for however many targets, and with however many statements.
    contradicting = {one.record: one for one in conflicts}
    faults = [RecordFault(one.line, one.field, one.reason) for one in ground.faults]
    for one in contradicting.values():
        reason = f"the statement {one.id} is known with other content"
        faults.append(RecordFault(one.line, "id", reason))
    return ChunkDone(
        chunk=chunk,
        rows=ground.rows,
        statements=sum(len(made) for made in ground.made) - len(conflicts),
        added=new,
        skipped=ground.skipped,
        failed=ground.failed + len(contradicting),
        faults=faults,
        skips=ground.skips,
        trouble=str(ground.broken.reason) if ground.broken else None,
    )
