"""Which faults of a file are kept: the first thousand; the others are only counted."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, delete, func, insert, select, text
from sqlalchemy.orm import Session

from hub.registry.pipeline.file_records import RecordFault
from hub.registry.sql.json_rows import inserting, is_postgresql, rows_of
from hub.registry.sql.tables import RecordFaultRow, Row

MOST_FAULTS = 1000

FAULTS = Row.metadata.tables[RecordFaultRow.__tablename__]
KEPT = (
    select(
        FAULTS.c.file_id,
        func.count().label("many"),
        func.max(FAULTS.c.line).label("last"),
    )
    .where(FAULTS.c.file_id.in_(bindparam("ids", expanding=True)))
    .group_by(FAULTS.c.file_id)
)
INSERT = insert(FAULTS)
INSERT_AS_JSON = text(inserting(FAULTS, "faults", without=["id"]))
REMOVE_LAST = delete(FAULTS).where(
    FAULTS.c.id.in_(
        select(FAULTS.c.id)
        .where(FAULTS.c.file_id == bindparam("file"))
        .order_by(FAULTS.c.line, FAULTS.c.id)
        .offset(MOST_FAULTS)
    )
)


def keep(session: Session, found: Mapping[str, Sequence[RecordFault]]) -> None:
    """Keep faults by the ids of their files: of each file the first by line, however they come.

    Nothing is written that would go again at once: of a file without one good record, a lot has
    fifty times as many faults as are kept of all of it.
    """
    ids = [file_id for file_id, faults in found.items() if faults]
    if not ids:
        return
    kept = {row.file_id: row for row in session.execute(KEPT, {"ids": ids})}
    new: list[dict[str, object]] = []
    over: list[str] = []
    for file_id in ids:
        known = kept.get(file_id)
        many, last = (known.many, known.last) if known else (0, 0)
        earlier = [one for one in found[file_id] if many < MOST_FAULTS or one.line < last]
        first = sorted(earlier, key=lambda one: one.line)[:MOST_FAULTS]
        new += [
            {"file_id": file_id, "line": one.line, "field": one.field, "reason": one.reason}
            for one in first
        ]
        if first and many + len(first) > MOST_FAULTS:
            over.append(file_id)
    if not new:
        return
    if is_postgresql(session):
        session.execute(INSERT_AS_JSON, {"faults": rows_of(new)})
    else:
        session.execute(INSERT, new)
    for file_id in over:
        session.execute(REMOVE_LAST, {"file": file_id})
