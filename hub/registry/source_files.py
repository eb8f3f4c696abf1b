"""Landed files: what has come from each source, and what has become of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from pydantic import JsonValue
from sqlalchemy import Select, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from hub.errors import NotTogether, RepeatedSignature, UnknownFile, UnstorableValue
from hub.registry.clock import Clock
from hub.registry.database import Database
from hub.registry.leases import SqlLease, require
from hub.registry.paging import Page, read_page
from hub.registry.tables import (
    BucketObjectRow,
    FileChunkRow,
    RecordFaultRow,
    Row,
    SourceFileRow,
    SourceRow,
)

EXPIRED_AT_ONCE = 200


# Made once: for each small file they would take longer to put together than to carry out. Inserted
# without the unit of work, for the same reason.
INSERT_FILES = insert(Row.metadata.tables[SourceFileRow.__tablename__])
INSERT_CHUNKS = insert(Row.metadata.tables[FileChunkRow.__tablename__])
THOSE_KNOWN = select(SourceFileRow).where(
    SourceFileRow.source_id == bindparam("source"),
    or_(SourceFileRow.sha256 == bindparam("sha256"), SourceFileRow.proof == bindparam("proof")),
)


class FileState(StrEnum):
    """Where a file is on its road."""

    LANDED = "landed"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that has landed under `place` in the landing store.

    With `form`, what it is is known, and it is small enough to be one chunk. `bucket_object` names
    the object it is a copy of; `is_table`: it is only kept, to be looked up in.
    """

    source_id: str
    sha256: str
    name: str
    size: int
    place: str
    landed_at: datetime
    keep_for: timedelta | None = None
    proof: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    form: str | None = None
    bucket_object: str | None = None
    is_table: bool = False


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A landed file. Counts are of the last time it was read; `added` were not known before."""

    id: str
    source_id: str
    name: str
    sha256: str
    size: int
    place: str
    landed_at: datetime
    state: FileState
    generation: int
    rows: int
    statements: int
    added: int
    skipped: int
    failed: int
    skips: Mapping[str, JsonValue]
    trouble: str | None
    """What is wrong with the file, so that not all of it could be read."""
    waits_for: str | None
    """What is in the way at the moment, such as a full queue."""
    removed_at: datetime | None
    ended_at: datetime | None
    cut_through: int
    form: str | None
    unpacked: bool


@dataclass(frozen=True, slots=True)
class RecordFault:
    """A record of a file that made no statement, and why."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many files are not read to their end, and since when the oldest of them is there."""

    files: int
    oldest_since: datetime | None


class SourceFiles:
    """All landed files."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, new: NewFile, *, lease: SqlLease | None = None) -> tuple[SourceFile, bool]:
        """Write down that a file has landed; and whether it is new.

        The same bytes again are the file that is there; their bytes are kept anew if they were
        removed, and of a table they are the latest. Raises RepeatedSignature when a signature was
        used before, UnknownFile when the source is gone, LeaseLost.
        """
        try:
            async with self._database.write() as session:
                if lease is not None:
                    await require(session, lease)
                await _note_object(session, new)
                known = await session.scalar(_same_bytes(new))
                if known is not None:
                    _land_again(known, new)
                    return _file(known), False
                row = _row(new)
                session.add(row)
                await session.flush()
                if new.form is not None and not new.is_table:
                    session.add(_whole(row))
            return _file(row), True
        except IntegrityError as error:
            return await self._there(new, error), False

    async def add_all(self, several: Sequence[NewFile]) -> Sequence[SourceFile]:
        """Write down that several files have landed, none of them known: all or none.

        Raises NotTogether.
        """
        rows = [_row(new) for new in several]
        chunks = [
            _whole(row)
            for row, new in zip(rows, several, strict=True)
            if row.form is not None and not new.is_table
        ]
        try:
            async with self._database.write() as session:
                await session.execute(INSERT_FILES, [_values(row) for row in rows])
                if chunks:
                    await session.execute(INSERT_CHUNKS, [_values(chunk) for chunk in chunks])
        except (IntegrityError, UnstorableValue) as error:
            raise NotTogether(f"one of {len(several)} files cannot be added") from error
        return [_file(row) for row in rows]

    async def waiting(self) -> Waiting:
        """Count the files that are not read to their end. Raises RegistryUnavailable."""
        to_cut = select(SourceFileRow.id).where(SourceFileRow.cut_at.is_not(None))
        # Few of many: what is done has no chunks, so that this never looks at all files.
        opened = to_cut.union(select(FileChunkRow.file_id))
        counted = select(func.count(), func.min(SourceFileRow.landed_at)).where(
            SourceFileRow.id.in_(opened)
        )
        async with self._database.read() as session:
            files, oldest = (await session.execute(counted)).one()
        return Waiting(files, oldest)

    async def known(
        self, source_id: str, *, sha256: str, proof: str | None = None
    ) -> SourceFile | None:
        """Find a file by its bytes. Raises RepeatedSignature for a signature of any file."""
        asked = {"source": source_id, "sha256": sha256, "proof": proof}
        async with self._database.read() as session:
            rows = (await session.scalars(THOSE_KNOWN, asked)).all()
        if proof is not None and any(row.proof == proof for row in rows):
            raise RepeatedSignature("this delivery was taken before, with this signature")
        return next((_file(row) for row in rows if row.sha256 == sha256), None)

    async def find(self, source_id: str, file_id: str) -> SourceFile | None:
        async with self._database.read() as session:
            row = await session.get(SourceFileRow, file_id)
        return _file(row) if row and row.source_id == source_id else None

    async def list(
        self,
        source_id: str,
        *,
        state: FileState | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[SourceFile]:
        """Return the files of a source, newest first."""
        query = select(SourceFileRow).where(SourceFileRow.source_id == source_id)
        if state is not None:
            query = query.where(SourceFileRow.state == state)
        by = (SourceFileRow.landed_at, SourceFileRow.id)
        async with self._database.read() as session:
            page = await read_page(
                session, query, by=by, cursor=cursor, limit=limit, newest_first=True
            )
        return page.each(_file)

    async def latest(self, source_id: str) -> SourceFile | None:
        """Give the newest file of a source whose bytes are still there."""
        query = (
            select(SourceFileRow)
            .where(SourceFileRow.source_id == source_id, SourceFileRow.removed_at.is_(None))
            .order_by(SourceFileRow.landed_at.desc(), SourceFileRow.id.desc())
            .limit(1)
        )
        async with self._database.read() as session:
            row = await session.scalar(query)
        return _file(row) if row else None

    async def faults(
        self, file_id: str, *, cursor: str | None = None, limit: int = 100
    ) -> Page[RecordFault]:
        """Return the records that made no statement, by line; of many, the first thousand."""
        query = select(RecordFaultRow).where(RecordFaultRow.file_id == file_id)
        by = (RecordFaultRow.line, RecordFaultRow.id)
        async with self._database.read() as session:
            page = await read_page(session, query, by=by, cursor=cursor, limit=limit)
        return page.each(lambda row: RecordFault(row.line, row.field, row.reason))

    async def reprocess(self, source_id: str, file_id: str) -> SourceFile:
        """Have a file read again from its beginning. Raises UnknownFile, also for removed bytes."""
        async with self._database.write() as session:
            row = await session.get(SourceFileRow, file_id, with_for_update=True)
            if row is None or row.source_id != source_id:
                raise UnknownFile(f"no file {file_id}")
            if row.removed_at is not None:
                raise UnknownFile(f"the bytes of file {file_id} are no longer kept")
            await session.execute(delete(FileChunkRow).where(FileChunkRow.file_id == file_id))
            await session.execute(delete(RecordFaultRow).where(RecordFaultRow.file_id == file_id))
            row.generation += 1
            row.claim += 1
            row.state, row.form, row.cut_at = FileState.LANDED, None, self._clock()
            row.cut_through = row.rows = row.statements = row.added = row.skipped = row.failed = 0
            row.skips, row.trouble, row.ended_at, row.next_line = {}, None, None, 1
            row.waits_for = None
        return _file(row)

    async def expired(self) -> Sequence[SourceFile]:
        """Give some files whose bytes are no longer to be kept, and that nobody is reading.

        The latest file of a table is kept until there is a later one: others look up in it.
        """
        ended = SourceFileRow.state.in_((FileState.DONE, FileState.FAILED))
        gone = SourceRow.deleted_at.is_not(None)
        has_recipe = SourceRow.settings["recipe"].as_string().is_not(None)
        later = aliased(SourceFileRow)
        is_superseded = exists().where(
            later.source_id == SourceFileRow.source_id,
            later.removed_at.is_(None),
            later.landed_at > SourceFileRow.landed_at,
        )
        is_over = SourceFileRow.expires_at <= self._clock()
        query = (
            select(SourceFileRow)
            .join(SourceRow, SourceRow.id == SourceFileRow.source_id)
            .where(
                SourceFileRow.removed_at.is_(None),
                or_(gone, is_over & ended & or_(has_recipe, is_superseded)),
            )
            .limit(EXPIRED_AT_ONCE)
        )
        async with self._database.read() as session:
            return [_file(row) for row in await session.scalars(query)]

    async def bundled_with(self, bundle: str, file: SourceFile) -> frozenset[str]:
        """Give the ids of the files that have their bytes in the same bundle, and still need them.

        They came at the same moment as `file`.
        """
        query = select(SourceFileRow.id).where(
            SourceFileRow.source_id == file.source_id,
            SourceFileRow.landed_at == file.landed_at,
            SourceFileRow.removed_at.is_(None),
            SourceFileRow.place.startswith(f"{bundle}@", autoescape=True),
        )
        async with self._database.read() as session:
            return frozenset(await session.scalars(query))

    async def note_removed(self, file_ids: Sequence[str]) -> None:
        """Write down that the bytes of files are gone; nothing is to be made of them any more."""
        async with self._database.write() as session:
            await session.execute(delete(FileChunkRow).where(FileChunkRow.file_id.in_(file_ids)))
            await session.execute(
                update(SourceFileRow)
                .where(SourceFileRow.id.in_(file_ids))
                .values(removed_at=self._clock(), cut_at=None)
            )

    async def unseen(self, source_id: str, names: Sequence[str]) -> frozenset[str]:
        """Say which objects of a bucket have not landed yet."""
        query = select(BucketObjectRow.name).where(
            BucketObjectRow.source_id == source_id, BucketObjectRow.name.in_(names)
        )
        async with self._database.read() as session:
            return frozenset(names) - frozenset(await session.scalars(query))

    async def _there(self, new: NewFile, error: IntegrityError) -> SourceFile:
        """Find what another process wrote down a moment before us."""
        found = await self.known(new.source_id, sha256=new.sha256, proof=new.proof)
        if found is None:
            raise UnknownFile(f"the source {new.source_id} is gone") from error
        return found


def _same_bytes(new: NewFile) -> Select[SourceFileRow]:
    return select(SourceFileRow).filter_by(source_id=new.source_id, sha256=new.sha256)


async def _note_object(session: AsyncSession, new: NewFile) -> None:
    if new.bucket_object is None:
        return
    key = new.source_id, new.bucket_object
    if await session.get(BucketObjectRow, key) is None:
        session.add(BucketObjectRow(source_id=key[0], name=key[1], seen_at=new.landed_at))


def _row(new: NewFile) -> SourceFileRow:
    to_cut = new.form is None and not new.is_table
    state = FileState.RUNNING if new.form else FileState.LANDED
    return SourceFileRow(
        id=str(uuid4()),
        source_id=new.source_id,
        sha256=new.sha256,
        proof=new.proof,
        name=new.name,
        size=new.size,
        place=new.place,
        headers=dict(new.headers),
        landed_at=new.landed_at,
        expires_at=new.landed_at + new.keep_for if new.keep_for else None,
        state=FileState.DONE if new.is_table else state,
        generation=1,
        form=new.form,
        unpacked=False,
        cut_at=new.landed_at if to_cut else None,
        claim=0,
        cut_through=0 if to_cut else new.size,
        next_line=1,
        rows=0,
        statements=0,
        added=0,
        skipped=0,
        failed=0,
        skips={},
        ended_at=new.landed_at if new.is_table else None,
    )


def _whole(row: SourceFileRow) -> FileChunkRow:
    return FileChunkRow(
        file_id=row.id, start=0, size=row.size, line=1, due_at=row.landed_at, claim=0
    )


def _land_again(row: SourceFileRow, new: NewFile) -> None:
    """Note that the bytes of a file came once more.

    When it landed first stays, for statements without a time of their own have that one; but the
    table that came last is the table.
    """
    if row.removed_at is not None:
        row.removed_at, row.place, row.unpacked = None, new.place, False
        row.expires_at = new.landed_at + new.keep_for if new.keep_for else None
    if new.is_table:
        row.landed_at = new.landed_at
        row.expires_at = new.landed_at + new.keep_for if new.keep_for else None


def _values(row: SourceFileRow | FileChunkRow) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def _file(row: SourceFileRow) -> SourceFile:
    return SourceFile(
        id=row.id,
        source_id=row.source_id,
        name=row.name,
        sha256=row.sha256,
        size=row.size,
        place=row.place,
        landed_at=row.landed_at,
        state=FileState(row.state),
        generation=row.generation,
        rows=row.rows,
        statements=row.statements,
        added=row.added,
        skipped=row.skipped,
        failed=row.failed,
        skips=row.skips,
        trouble=row.trouble,
        waits_for=row.waits_for,
        removed_at=row.removed_at,
        ended_at=row.ended_at,
        cut_through=row.cut_through,
        form=row.form,
        unpacked=row.unpacked,
    )
