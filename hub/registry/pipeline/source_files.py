"""Landed files: what has come from each source, and what has become of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Select, bindparam, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, aliased

from hub.errors import NotLanded, NotTogether, RepeatedSignature, UnknownFile, UnstorableValue
from hub.registry.pipeline.file_records import FileState, NewFile, RecordFault, SourceFile, Waiting
from hub.registry.pipeline.file_rows import file_of, land_again, new_row, values_of, whole_chunk
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.json_rows import inserting, is_postgresql, rows_of
from hub.registry.sql.leases import SqlLease, require
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.tables import (
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
FILES = Row.metadata.tables[SourceFileRow.__tablename__]
CHUNKS = Row.metadata.tables[FileChunkRow.__tablename__]
INSERT_FILES, INSERT_CHUNKS = insert(FILES), insert(CHUNKS)
INSERT_BOTH = text(
    f"WITH files AS ({inserting(FILES, 'files')}) {inserting(CHUNKS, 'chunks', without=['id'])}"
)
THOSE_KNOWN = select(SourceFileRow).where(
    SourceFileRow.source_id == bindparam("source"),
    or_(SourceFileRow.sha256 == bindparam("sha256"), SourceFileRow.proof == bindparam("proof")),
)


class SourceFiles:
    """All landed files."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, new: NewFile, *, lease: SqlLease | None = None) -> tuple[SourceFile, bool]:
        """Write down that a file has landed; and whether it is new.

        The same bytes again are the file that is there; their bytes are kept anew if they were
        removed, and of a table they are the latest. Raises RepeatedSignature when a signature was
        used before, UnknownFile when the source is gone, NotLanded for bytes that were not kept
        anew and are gone meanwhile, LeaseLost.
        """
        try:
            async with self._database.write() as session:
                if lease is not None:
                    await require(session, lease)
                await _note_object(session, new)
                known = await session.scalar(_same_bytes(new))
                if not new.is_kept and (known is None or known.removed_at is not None):
                    raise NotLanded(f"{new.name} was there a moment ago")
                if known is not None:
                    land_again(known, new)
                    return await _as_it_is(session, known), False
                row = new_row(new)
                session.add(row)
                await session.flush()
                if new.form is not None and not new.is_table:
                    session.add(whole_chunk(row))
            return file_of(row), True
        except IntegrityError as error:
            return await self._there(new, error), False

    async def add_all(self, several: Sequence[NewFile]) -> Sequence[SourceFile]:
        """Write down that several files have landed, none of them known: all or none.

        Raises NotTogether.
        """
        rows = [new_row(new) for new in several]
        files = [values_of(row) for row in rows]
        chunks = [
            values_of(whole_chunk(row))
            for row, new in zip(rows, several, strict=True)
            if row.form is not None and not new.is_table
        ]
        try:
            await self._database.carry_out(partial(_insert, files=files, chunks=chunks))
        except (IntegrityError, UnstorableValue) as error:
            raise NotTogether(f"one of {len(several)} files cannot be added") from error
        return [file_of(row) for row in rows]

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
            row = next((row for row in rows if row.sha256 == sha256), None)
            return await _as_it_is(session, row) if row else None

    async def find(self, source_id: str, file_id: str) -> SourceFile | None:
        async with self._database.read() as session:
            row = await session.get(SourceFileRow, file_id)
            if row is None or row.source_id != source_id:
                return None
            return await _as_it_is(session, row)

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
            to_do = await _to_do(session, page.items)
        return page.each(lambda row: file_of(row, to_do=to_do.get(row.id, 0)))

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
        return file_of(row) if row else None

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
        return file_of(row)

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
            return [file_of(row) for row in await session.scalars(query)]

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

    async def named(
        self, source_id: str, *, sha256s: Collection[str], moments: Collection[datetime]
    ) -> frozenset[str]:
        """Give the places of a source's files whose bytes are kept, and that are among these.

        They are those with one of these digests, or that came at one of these moments.
        """
        query = select(SourceFileRow.place).where(
            SourceFileRow.source_id == source_id, SourceFileRow.removed_at.is_(None)
        )
        found: set[str] = set()
        async with self._database.read() as session:
            if sha256s:
                mine = SourceFileRow.sha256.in_(sha256s)
                found.update(await session.scalars(query.where(mine)))
            if moments:
                mine = SourceFileRow.landed_at.in_(moments)
                found.update(await session.scalars(query.where(mine)))
        return frozenset(found)

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


def _insert(
    session: Session, *, files: Sequence[dict[str, object]], chunks: Sequence[dict[str, object]]
) -> None:
    if is_postgresql(session):
        session.execute(INSERT_BOTH, {"files": rows_of(files), "chunks": rows_of(chunks)})
        return
    session.execute(INSERT_FILES, files)
    if chunks:
        session.execute(INSERT_CHUNKS, chunks)


def _same_bytes(new: NewFile) -> Select[SourceFileRow]:
    return select(SourceFileRow).filter_by(source_id=new.source_id, sha256=new.sha256)


async def _as_it_is(session: AsyncSession, row: SourceFileRow) -> SourceFile:
    return file_of(row, to_do=(await _to_do(session, [row])).get(row.id, 0))


async def _to_do(session: AsyncSession, rows: Sequence[SourceFileRow]) -> Mapping[str, int]:
    """Give the bytes of the chunks that are left, for each file that has some."""
    left = (
        select(FileChunkRow.file_id, func.sum(FileChunkRow.size))
        .where(FileChunkRow.file_id.in_([row.id for row in rows if row.ended_at is None]))
        .group_by(FileChunkRow.file_id)
    )
    # PostgreSQL sums up to a decimal.
    return {file_id: int(size) for file_id, size in await session.execute(left)}


async def _note_object(session: AsyncSession, new: NewFile) -> None:
    if new.bucket_object is None:
        return
    key = new.source_id, new.bucket_object
    if await session.get(BucketObjectRow, key) is None:
        session.add(BucketObjectRow(source_id=key[0], name=key[1], seen_at=new.landed_at))
