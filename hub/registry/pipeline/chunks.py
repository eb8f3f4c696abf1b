"""Deeds on chunks: some are claimed, and what became of them is written down.

While one of these runs, nobody else writes to SQLite; so they are few statements, and these are
made once.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, delete, exists, select, tuple_, update
from sqlalchemy.orm import Session

from hub.registry.pipeline.file_records import FileState, RecordFault
from hub.registry.pipeline.kept_faults import keep
from hub.registry.sql.tables import FileChunkRow, Row, SourceFileRow

MOST_REASONS = 20
CLAIM = timedelta(seconds=12)
"""How long whoever claimed chunks has for them, before another may; held longer by `keep`."""
LARGEST_CLAIM = 2**31 - 1


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


FILES = Row.metadata.tables[SourceFileRow.__tablename__]
THOSE_DUE = (
    select(
        FileChunkRow.id,
        FileChunkRow.file_id,
        FileChunkRow.start,
        FileChunkRow.size,
        FileChunkRow.line,
        SourceFileRow.source_id,
        SourceFileRow.place,
        SourceFileRow.unpacked,
        SourceFileRow.form,
        SourceFileRow.landed_at,
        SourceFileRow.headers,
    )
    .join(SourceFileRow, SourceFileRow.id == FileChunkRow.file_id)
    .where(FileChunkRow.source_id == bindparam("source"), FileChunkRow.due_at <= bindparam("now"))
    .order_by(FileChunkRow.due_at, FileChunkRow.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=FileChunkRow)
)
LOCK_FILES = (
    select(SourceFileRow.id)
    .where(SourceFileRow.id.in_(bindparam("ids", expanding=True)))
    .order_by(SourceFileRow.id)
    .with_for_update()
)
REMOVE_MINE = (
    delete(FileChunkRow)
    .where(tuple_(FileChunkRow.id, FileChunkRow.claim).in_(bindparam("claims", expanding=True)))
    .returning(FileChunkRow.id)
)
COUNT = (
    update(FILES)
    .where(FILES.c.id == bindparam("file"))
    .values(
        waits_for=None,
        **{
            name: FILES.c[name] + bindparam(f"more_{name}")
            for name in ("rows", "statements", "added", "skipped", "failed")
        },
    )
)
END_THOSE_DONE = (
    update(FILES)
    .where(
        FILES.c.id.in_(bindparam("ids", expanding=True)),
        FILES.c.cut_at.is_(None),
        FILES.c.state == FileState.RUNNING,
        ~exists().where(FileChunkRow.file_id == FILES.c.id),
    )
    .values(
        state=case((FILES.c.trouble.is_(None), FileState.DONE), else_=FileState.FAILED),
        ended_at=bindparam("now"),
    )
    .returning(FILES.c.id, FILES.c.state)
)


def claim(
    session: Session, *, sources: Sequence[str], now: datetime, most: int, most_bytes: int
) -> Claimed:
    """Take some chunks of the first of these sources that has some, the longest due first."""
    found = _due(session, sources, now, most)
    # Not counted up: SQLite gives the number of a chunk that is gone to another one.
    mark = secrets.randbelow(LARGEST_CLAIM) + 1
    taken: list[ChunkToDo] = []
    size = 0
    for row in found:
        size += row.size
        if taken and (size > most_bytes or row.source_id != taken[0].source_id):
            break
        taken.append(
            ChunkToDo(
                id=row.id,
                claim=mark,
                file_id=row.file_id,
                source_id=row.source_id,
                place=row.place,
                unpacked=row.unpacked,
                form=row.form or "",
                landed_at=row.landed_at,
                headers={name: str(value) for name, value in row.headers.items()},
                start=row.start,
                size=row.size,
                line=row.line,
            )
        )
    session.execute(
        update(FileChunkRow)
        .where(FileChunkRow.id.in_([one.id for one in taken]))
        .values(claim=mark, due_at=now + CLAIM)
    )
    are_more = len(sources) > 1 or len(found) == most or len(taken) < len(found)
    return Claimed(taken, are_more)


def settle(
    session: Session, *, done: Sequence[ChunkDone], now: datetime
) -> Sequence[tuple[str, FileState]]:
    """Write down what became of chunks; give the files that have ended with it, and how.

    What another has claimed since, or what was reprocessed meanwhile, is left out.
    """
    file_ids = sorted({one.chunk.file_id for one in done})
    # First, and in one order, so that nobody with the same files waits for us, and we for him.
    session.execute(LOCK_FILES, {"ids": file_ids}).all()
    claims = [(one.chunk.id, one.chunk.claim) for one in done]
    removed = set(session.scalars(REMOVE_MINE, {"claims": claims}))
    mine = [one for one in done if one.chunk.id in removed]
    if mine:
        session.execute(COUNT, [_counts(one) for one in mine])
    for one in mine:
        if one.skips or one.trouble:
            _tell(session, one)
    session.flush()
    faults: dict[str, list[RecordFault]] = defaultdict(list)
    for one in mine:
        faults[one.chunk.file_id] += one.faults
    keep(session, faults)
    return end_those_done(session, file_ids, now)


def end_those_done(
    session: Session, file_ids: Collection[str], now: datetime
) -> Sequence[tuple[str, FileState]]:
    """End those of some files of which nothing is left to do; give them, and how they ended."""
    ended = session.execute(END_THOSE_DONE, {"ids": list(file_ids), "now": now}).all()
    return [(row.id, FileState(row.state)) for row in ended]


def _due(session: Session, sources: Sequence[str], now: datetime, most: int) -> Sequence[Any]:
    """Find chunks of the first source of which others have not taken all meanwhile."""
    for source in sources:
        asked = {"source": source, "now": now, "most": most}
        if found := session.execute(THOSE_DUE, asked).all():
            return found
    return ()


def _counts(done: ChunkDone) -> dict[str, object]:
    return {
        "file": done.chunk.file_id,
        "more_rows": done.rows,
        "more_statements": done.statements,
        "more_added": done.added,
        "more_skipped": done.skipped,
        "more_failed": done.failed,
    }


def _tell(session: Session, done: ChunkDone) -> None:
    row = session.get_one(SourceFileRow, done.chunk.file_id)
    counts = Counter({name: int(str(count)) for name, count in row.skips.items()})
    counts.update(done.skips)
    row.skips = dict(counts.most_common(MOST_REASONS))
    row.trouble = done.trouble or row.trouble
