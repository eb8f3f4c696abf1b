"""From facts of landed files to rows and back."""

from uuid import uuid4

from hub.registry.pipeline.file_records import FileState, NewFile, SourceFile
from hub.registry.sql.tables import FileChunkRow, SourceFileRow


def new_row(new: NewFile) -> SourceFileRow:
    """Make the row of a new file."""
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


def whole_chunk(row: SourceFileRow) -> FileChunkRow:
    """Make the one chunk of a small file."""
    return FileChunkRow(
        file_id=row.id,
        source_id=row.source_id,
        start=0,
        size=row.size,
        line=1,
        due_at=row.landed_at,
        claim=0,
    )


def land_again(row: SourceFileRow, new: NewFile) -> None:
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


def values_of(row: SourceFileRow | FileChunkRow) -> dict[str, object]:
    """Give the columns of a row, to be inserted without the unit of work."""
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def file_of(row: SourceFileRow, *, to_do: int = 0) -> SourceFile:
    """Give what a row says of a file; `to_do` are the bytes of the chunks that are left of it."""
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
        read_through=row.cut_through - to_do,
        form=row.form,
        unpacked=row.unpacked,
    )
