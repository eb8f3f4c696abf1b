"""Lookup tables in the mill: records of a file, found by the value of a field.

Bounded in records and in bytes. A table is read when it is first used, and again when its file is
another one.
"""

from pathlib import Path

from hub.pipeline.mill.asking import TableFile
from hub.recipes.faults import RecordFault
from hub.recipes.record import Record
from hub.records.bounds import SAMPLE
from hub.records.fault import FileFault
from hub.records.looking import look
from hub.records.reading import read

MOST_RECORDS = 500_000
LARGEST = 64 * 1024 * 1024
KEPT = 10


class FileTable:
    """The records of one file; of several with the same key, the last counts."""

    def __init__(self, name: str, table: TableFile) -> None:
        self._names: tuple[str, ...] = ()
        self._rows: dict[str, tuple[object, ...]] = {}
        try:
            self._read(name, table)
        except FileFault as fault:
            raise RecordFault("", f"the table {name} cannot be read: {fault}") from None
        except OSError as error:
            # Removed since it was copied, by another process that needed the room.
            raise RecordFault("", f"the table {name} is gone: {error.strerror}") from None

    def find(self, key: str) -> Record | None:
        """Give the record with this key; white space around it does not count."""
        row = self._rows.get(key.strip())
        return None if row is None else Record(dict(zip(self._names, row, strict=True)))

    def _read(self, name: str, table: TableFile) -> None:
        path = Path(table.path)
        if path.stat().st_size > LARGEST:
            raise FileFault(f"has more than {LARGEST // 1024 // 1024} MiB")
        content = path.read_bytes()
        form = look(content[: 16 * SAMPLE], table.hints, whole=len(content) <= 16 * SAMPLE)
        for one in read(content[form.begins :], form, line=form.first_line):
            if not isinstance(one, Record):
                continue
            self._names = self._names or tuple(one.fields)
            key = one.get(table.key)
            if key is None and not self._rows:
                raise RecordFault("", f"the table {name} has no field {table.key!r}")
            # Rows share the names of their columns; as mappings they would need four times as much.
            self._rows[str(key).strip()] = tuple(one.get(column) for column in self._names)
            if len(self._rows) > MOST_RECORDS:
                raise FileFault(f"has more than {MOST_RECORDS:,} records")


class Shelf:
    """The tables that this process has read."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], FileTable] = {}

    def take(self, tables: dict[str, TableFile]) -> dict[str, FileTable]:
        """Give the tables by name. Raises RecordFault for one that cannot be read."""
        return {name: self._one(name, table) for name, table in tables.items()}

    def _one(self, name: str, table: TableFile) -> FileTable:
        # The path names the content; which columns are renamed belongs to the source of both.
        key = table.path, table.key
        found = self._read.pop(key, None) or FileTable(name, table)
        self._read[key] = found
        while len(self._read) > KEPT:
            del self._read[next(iter(self._read))]
        return found
