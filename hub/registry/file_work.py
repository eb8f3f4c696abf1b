"""What is still to be done with landed files, and who is doing it.

A chunk that is done is gone, and its counts are in its file, in one transaction; so whatever dies
in between, each chunk is counted once. Whoever claimed something and was too slow settles nothing.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Update, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.registry.clock import Clock
from hub.registry.database import Database
from hub.registry.file_records import FileState, RecordFault
from hub.registry.tables import FileChunkRow, RecordFaultRow, SourceFileRow

MOST_FAULTS = 1000
MOST_REASONS = 20
CLAIM = timedelta(seconds=12)
"""How long whoever claimed chunks has for them, before another may; held longer by `keep`."""
CUT_CLAIM = timedelta(seconds=60)
"""The same for a step of cutting, which may have to unpack a file first."""


@dataclass(frozen=True, slots=True)
class FileToCut:
    """A file that is to be cut up, from `through` on."""

    id: str
    source_id: str
    place: str
    size: int
    landed_at: datetime
    headers: Mapping[str, str]
    form: str | None
    unpacked: bool
    through: int
    next_line: int
    claim: int


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A part that was cut off: where it begins, how long it is, and the number of its line."""

    start: int
    size: int
    line: int


@dataclass(frozen=True, slots=True)
class CutStep:
    """How far a file is cut up. `trouble` ends it as failed after what was cut."""

    form: str
    unpacked: bool
    chunks: Sequence[NewChunk]
    through: int
    next_line: int
    is_last: bool
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkToDo:
    """A chunk, claimed, and what is known of its file."""

    id: int
    claim: int
    file_id: str
    source_id: str
    place: str
    unpacked: bool
    form: str
    landed_at: datetime
    headers: Mapping[str, str]
    start: int
    size: int
    line: int


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """What became of a chunk."""

    chunk: ChunkToDo
    rows: int
    statements: int
    added: int
    skipped: int
    failed: int
    faults: Sequence[RecordFault] = ()
    skips: Mapping[str, int] = field(default_factory=dict)
    trouble: str | None = None


class Claimed(NamedTuple):
    """Chunks that were claimed; and whether others were due that were not."""

    chunks: Sequence[ChunkToDo]
    are_more: bool


class FileWork:
    """The work there is."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim_cut(self) -> FileToCut | None:
        """Take the file that waits longest to be cut up; None if there is none."""
        now = self._clock()
        due = SourceFileRow.cut_at <= now
        async with self._database.read() as session:
            if await session.scalar(select(SourceFileRow.id).where(due).limit(1)) is None:
                return None
        query = (
            select(SourceFileRow)
            .where(due)
            .order_by(SourceFileRow.cut_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        async with self._database.write() as session:
            row = await session.scalar(query)
            if row is None:
                return None
            row.claim += 1
            row.cut_at = now + CUT_CLAIM
        return _to_cut(row)

    async def record_cut(self, file: FileToCut, step: CutStep) -> FileState | None:
        """Write down a step of cutting, and how the file stands; None if another took over."""
        now = self._clock()
        async with self._database.write() as session:
            row = await session.get(SourceFileRow, file.id, with_for_update=True)
            if row is None or row.claim != file.claim:
                return None
            row.form, row.unpacked, row.state = step.form, step.unpacked, FileState.RUNNING
            row.cut_through, row.next_line = step.through, step.next_line
            row.trouble, row.waits_for = step.trouble or row.trouble, None
            row.cut_at = None if step.is_last else now
            session.add_all(
                FileChunkRow(
                    file_id=file.id,
                    start=one.start,
                    size=one.size,
                    line=one.line,
                    due_at=now,
                    claim=0,
                )
                for one in step.chunks
            )
            await session.flush()
            await self._end_those_done(session, [row])
            return FileState(row.state)

    async def postpone_cut(self, file: FileToCut, *, until: datetime, waits_for: str) -> None:
        """Leave a file alone for a while, because of something that is not its fault."""
        async with self._database.write() as session:
            await session.execute(
                update(SourceFileRow)
                .where(SourceFileRow.id == file.id, SourceFileRow.claim == file.claim)
                .values(cut_at=until, waits_for=waits_for)
            )

    async def fail(self, file: FileToCut, trouble: str) -> None:
        """End a file that cannot be read at all."""
        async with self._database.write() as session:
            await session.execute(
                update(SourceFileRow)
                .where(SourceFileRow.id == file.id, SourceFileRow.claim == file.claim)
                .values(
                    cut_at=None, state=FileState.FAILED, trouble=trouble, ended_at=self._clock()
                )
            )

    async def claim_chunks(self, *, most: int, most_bytes: int) -> Claimed:
        """Take some chunks, the longest due first; all of the same source."""
        now = self._clock()
        due = FileChunkRow.due_at <= now
        async with self._database.read() as session:
            if await session.scalar(select(FileChunkRow.id).where(due).limit(1)) is None:
                return Claimed((), are_more=False)
        query = (
            select(FileChunkRow, SourceFileRow)
            .join(SourceFileRow, SourceFileRow.id == FileChunkRow.file_id)
            .where(due)
            .order_by(FileChunkRow.due_at, FileChunkRow.id)
            .limit(most)
            .with_for_update(skip_locked=True, of=FileChunkRow)
        )
        taken: list[ChunkToDo] = []
        async with self._database.write() as session:
            size = 0
            found = (await session.execute(query)).all()
            for chunk, file in found:
                size += chunk.size
                if taken and (size > most_bytes or file.source_id != taken[0].source_id):
                    break
                chunk.claim += 1
                chunk.due_at = now + CLAIM
                taken.append(_to_do(chunk, file))
        return Claimed(taken, are_more=len(found) == most or len(taken) < len(found))

    async def keep(self, chunks: Sequence[ChunkToDo]) -> None:
        """Hold claimed chunks longer, while they are worked on."""
        until = self._clock() + CLAIM
        async with self._database.write() as session:
            for one in chunks:
                await session.execute(_mine(one).values(due_at=until))

    async def postpone(
        self,
        chunks: Sequence[ChunkToDo],
        *,
        until: datetime,
        waits_for: str,
        added: Mapping[str, int] = {},
    ) -> None:
        """Give chunks back until later, and say at their files why.

        `added` counts, for each file, the statements that were handed in before it had to wait.
        """
        async with self._database.write() as session:
            for one in chunks:
                await session.execute(_mine(one).values(due_at=until))
            for file_id in sorted({one.file_id for one in chunks}):
                known = SourceFileRow.added + added.get(file_id, 0)
                await session.execute(
                    update(SourceFileRow)
                    .where(SourceFileRow.id == file_id)
                    .values(waits_for=waits_for, added=known)
                )

    async def settle(self, done: Sequence[ChunkDone]) -> Sequence[tuple[str, FileState]]:
        """Write down what became of chunks; give the files that have ended with it, and how.

        What another has claimed since, or what was reprocessed meanwhile, is left out.
        """
        by_chunk = {one.chunk.id: one for one in done}
        claims = [(one.chunk.id, one.chunk.claim) for one in done]
        # In one order, so that two workers with the same files never wait for each other.
        files = (
            select(SourceFileRow)
            .where(SourceFileRow.id.in_({one.chunk.file_id for one in done}))
            .order_by(SourceFileRow.id)
            .with_for_update()
        )
        mine = tuple_(FileChunkRow.id, FileChunkRow.claim).in_(claims)
        async with self._database.write() as session:
            rows = {row.id: row for row in await session.scalars(files)}
            removed = await session.scalars(
                delete(FileChunkRow).where(mine).returning(FileChunkRow.id)
            )
            # Else all files are written twice: before the look for what is left, and after it.
            with session.no_autoflush:
                for chunk_id in sorted(removed):
                    one = by_chunk[chunk_id]
                    await _count(session, rows[one.chunk.file_id], one)
                return await self._end_those_done(session, rows.values())

    async def _end_those_done(
        self, session: AsyncSession, rows: Collection[SourceFileRow]
    ) -> Sequence[tuple[str, FileState]]:
        left = select(FileChunkRow.file_id).where(
            FileChunkRow.file_id.in_([row.id for row in rows])
        )
        unfinished = set(await session.scalars(left.distinct()))
        ended: list[tuple[str, FileState]] = []
        for row in rows:
            if row.id in unfinished or row.cut_at is not None or row.state != FileState.RUNNING:
                continue
            state = FileState.FAILED if row.trouble else FileState.DONE
            row.state, row.ended_at = state, self._clock()
            ended.append((row.id, state))
        return ended


def _mine(chunk: ChunkToDo) -> Update:
    return update(FileChunkRow).where(
        FileChunkRow.id == chunk.id, FileChunkRow.claim == chunk.claim
    )


async def _count(session: AsyncSession, row: SourceFileRow, done: ChunkDone) -> None:
    row.waits_for = None
    row.rows += done.rows
    row.statements += done.statements
    row.added += done.added
    row.skipped += done.skipped
    row.failed += done.failed
    if done.skips:
        counts = Counter({name: int(str(count)) for name, count in row.skips.items()})
        counts.update(done.skips)
        row.skips = dict(counts.most_common(MOST_REASONS))
    if done.trouble:
        row.trouble = done.trouble
    if done.faults:
        session.add_all(
            RecordFaultRow(file_id=row.id, line=one.line, field=one.field, reason=one.reason)
            for one in done.faults
        )
        await session.flush()
        await _keep_first(session, row.id)


async def _keep_first(session: AsyncSession, file_id: str) -> None:
    """Keep the first faults by line, however the chunks came."""
    mine = RecordFaultRow.file_id == file_id
    count = await session.scalar(select(func.count()).select_from(RecordFaultRow).where(mine))
    if count is None or count <= MOST_FAULTS:
        return
    last = (
        select(RecordFaultRow.id)
        .where(mine)
        .order_by(RecordFaultRow.line, RecordFaultRow.id)
        .offset(MOST_FAULTS)
    )
    await session.execute(delete(RecordFaultRow).where(RecordFaultRow.id.in_(last)))


def _to_cut(row: SourceFileRow) -> FileToCut:
    return FileToCut(
        id=row.id,
        source_id=row.source_id,
        place=row.place,
        size=row.size,
        landed_at=row.landed_at,
        headers={name: str(value) for name, value in row.headers.items()},
        form=row.form,
        unpacked=row.unpacked,
        through=row.cut_through,
        next_line=row.next_line,
        claim=row.claim,
    )


def _to_do(chunk: FileChunkRow, file: SourceFileRow) -> ChunkToDo:
    return ChunkToDo(
        id=chunk.id,
        claim=chunk.claim,
        file_id=file.id,
        source_id=file.source_id,
        place=file.place,
        unpacked=file.unpacked,
        form=file.form or "",
        landed_at=file.landed_at,
        headers={name: str(value) for name, value in file.headers.items()},
        start=chunk.start,
        size=chunk.size,
        line=chunk.line,
    )
