"""What is still to be done with landed files, and who is doing it.

A chunk that is done is gone, and its counts are in its file, in one transaction; so whatever dies
in between, each chunk is counted once. Whoever claimed something and was too slow settles nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Update, bindparam, delete, select, update
from sqlalchemy.orm import Session

from hub.registry.pipeline.chunks import (
    CLAIM,
    ChunkDone,
    ChunkToDo,
    Claimed,
    claim,
    end_those_done,
    settle,
)
from hub.registry.pipeline.file_records import FileState
from hub.registry.pipeline.round_robin import RoundRobin
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.tables import FileChunkRow, SourceFileRow

FORGOTTEN_AT_ONCE = 5000
CUT_CLAIM = timedelta(seconds=60)
"""The same for a step of cutting, which may have to unpack a file first."""

LONGEST_DUE = (
    select(SourceFileRow)
    .where(SourceFileRow.source_id == bindparam("source"), SourceFileRow.cut_at <= bindparam("now"))
    .order_by(SourceFileRow.cut_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)


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


class FileWork:
    """The work there is."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._cutting = RoundRobin(database, SourceFileRow, SourceFileRow.cut_at)
        self._chunks = RoundRobin(database, FileChunkRow, FileChunkRow.due_at)

    async def claim_cut(self) -> FileToCut | None:
        """Take the file that waits longest, of the source whose turn it is; None if none does."""
        now = self._clock()
        sources = await self._cutting.next(now)
        if not sources:
            return None
        return await self._database.carry_out(partial(_claim_cut, sources=sources, now=now))

    async def record_cut(self, file: FileToCut, step: CutStep) -> FileState | None:
        """Write down a step of cutting, and how the file stands; None if another took over."""
        return await self._database.carry_out(
            partial(_record_cut, file=file, step=step, now=self._clock())
        )

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
        """Take some chunks of the source whose turn it is, the longest due first."""
        now = self._clock()
        sources = await self._chunks.next(now)
        if not sources:
            return Claimed((), are_more=False)
        return await self._database.carry_out(
            partial(claim, sources=sources, now=now, most=most, most_bytes=most_bytes)
        )

    async def keep(self, chunks: Sequence[ChunkToDo]) -> None:
        """Hold claimed chunks longer, while they are worked on."""
        until = self._clock() + CLAIM
        async with self._database.write() as session:
            for one in chunks:
                await session.execute(_mine(one).values(due_at=until))

    async def give_way(self, source_id: str, *, until: datetime) -> None:
        """Leave all chunks of a source that are due for a while, and nobody else's."""
        due = FileChunkRow.due_at <= self._clock()
        async with self._database.write() as session:
            await session.execute(
                update(FileChunkRow)
                .where(FileChunkRow.source_id == source_id, due)
                .values(due_at=until)
            )

    async def forget(self, source_id: str) -> int:
        """Leave chunks of a source that is gone undone; give how many were left out so."""
        return await self._database.carry_out(partial(_forget, source_id=source_id))

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
        return await self._database.carry_out(partial(settle, done=done, now=self._clock()))


def _forget(session: Session, *, source_id: str) -> int:
    some = (
        select(FileChunkRow.id).where(FileChunkRow.source_id == source_id).limit(FORGOTTEN_AT_ONCE)
    )
    return len(
        session.scalars(
            delete(FileChunkRow).where(FileChunkRow.id.in_(some)).returning(FileChunkRow.id)
        ).all()
    )


def _claim_cut(session: Session, *, sources: Sequence[str], now: datetime) -> FileToCut | None:
    for source in sources:
        row = session.scalar(LONGEST_DUE, {"source": source, "now": now})
        if row is not None:
            row.claim += 1
            row.cut_at = now + CUT_CLAIM
            session.flush()
            return _to_cut(row)
    return None


def _record_cut(
    session: Session, *, file: FileToCut, step: CutStep, now: datetime
) -> FileState | None:
    row = session.get(SourceFileRow, file.id, with_for_update=True)
    if row is None or row.claim != file.claim:
        return None
    row.form, row.unpacked, row.state = step.form, step.unpacked, FileState.RUNNING
    row.cut_through, row.next_line = step.through, step.next_line
    row.trouble, row.waits_for = step.trouble or row.trouble, None
    row.cut_at = None if step.is_last else now
    session.add_all(
        FileChunkRow(
            file_id=file.id,
            source_id=file.source_id,
            start=one.start,
            size=one.size,
            line=one.line,
            due_at=now,
            claim=0,
        )
        for one in step.chunks
    )
    session.flush()
    return dict(end_those_done(session, [file.id], now)).get(file.id, FileState.RUNNING)


def _mine(chunk: ChunkToDo) -> Update:
    return update(FileChunkRow).where(
        FileChunkRow.id == chunk.id, FileChunkRow.claim == chunk.claim
    )


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
