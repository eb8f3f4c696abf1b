"""Lookup tables in the mill: records of a file, found by the value of a field.

Bounded in records, in bytes, and all together in memory. A table is read when it is first used, and
again when its file is another one, or is to be read in another way.
"""

import sys
from collections.abc import Callable, Iterator
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

import msgspec

from hub.pipeline.mill.asking import TableFile
from hub.recipes.faults import RecordFault
from hub.recipes.record import Record
from hub.records.bounds import SAMPLE
from hub.records.cutting import cut
from hub.records.fault import FileFault
from hub.records.format import Format, Kind
from hub.records.looking import look
from hub.records.reading import Read, read

MIB = 1024 * 1024
MOST_RECORDS = 500_000
LARGEST = 64 * MIB
MOST_MEMORY = 112 * MIB
"""So much all tables together may need, so that a worker and its child stay below 300 MiB."""
KEPT = 10
MOST_REFUSED = 100
HEAD = 16 * SAMPLE
BLOCK = 4 * MIB
GRAIN = 16
"""Memory is given out in multiples of so many bytes."""

_packed = msgspec.msgpack.Encoder().encode
_values = msgspec.msgpack.Decoder(list[str]).decode
_json = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, object]).decode

MakeRoom = Callable[[int], None]
"""Is told how much memory a table needs by now. Raises RecordFault if there is not so much."""


class Gone(RecordFault):
    """A table that another process has removed; it will be there when it is asked for again."""


class FileTable:
    """The records of one file; of several with the same key, the last counts."""

    def __init__(self, name: str, table: TableFile, make_room: MakeRoom | None = None) -> None:
        self.memory = 0
        self._names: tuple[str, ...] | None = None
        # Rows as MessagePack, and objects as JSON: as they are, they need several times as much.
        self._rows: dict[str, bytes] = {}
        self._content = 0
        try:
            self._read(name, table, make_room)
        except FileFault as fault:
            raise RecordFault("", f"the table {name} cannot be read: {fault}") from None
        except OSError as error:
            # Removed since it was copied, by another process that needed the room.
            raise Gone("", f"the table {name} is gone: {error.strerror}") from None

    def __len__(self) -> int:
        """Say how many records it has."""
        return len(self._rows)

    def find(self, key: str) -> Record | None:
        """Give the record with this key; white space around it does not count."""
        row = self._rows.get(key.strip())
        if row is None:
            return None
        if self._names is None:
            return Record(_members(row))
        return Record(dict(zip(self._names, _values(row), strict=True)))

    def _read(self, name: str, table: TableFile, make_room: MakeRoom | None) -> None:
        with Path(table.path).open("rb") as file:
            size = file.seek(0, SEEK_END)
            if size > LARGEST:
                raise FileFault(f"has more than {LARGEST // MIB} MiB")
            file.seek(0)
            form = look(file.read(HEAD), table.hints, whole=size <= HEAD)
            self._names = form.names if form.kind is Kind.CSV else None
            is_empty = True
            for part in _parts(file, form):
                for one in part:
                    if isinstance(one, Record):
                        is_empty = False
                        self._keep(one, table.key)
                self.memory = self._content + sys.getsizeof(self._rows)
                if make_room:
                    make_room(self.memory)
        if not (is_empty or self._rows):
            raise RecordFault("", f"the table {name} has no field {table.key!r}")

    def _keep(self, record: Record, field: str) -> None:
        try:
            key = record.text(field)
        except RecordFault:
            return
        if key is None:
            return
        fields = record.fields
        row = _json(fields) if self._names is None else _packed(list(fields.values()))
        old = self._rows.get(key)
        self._content += _size(row) - _size(old) if old is not None else _size(row) + _size(key)
        self._rows[key] = row
        if len(self._rows) > MOST_RECORDS:
            raise FileFault(f"has more than {MOST_RECORDS:,} records")


class Shelf:
    """The tables that this process has read."""

    def __init__(self) -> None:
        self._read: dict[bytes, FileTable] = {}
        self._refused: dict[bytes, str] = {}

    def take(self, tables: dict[str, TableFile]) -> dict[str, FileTable]:
        """Give the tables by name. Raises RecordFault for one that cannot be read."""
        # All that decides what a table holds; its path names its content.
        known_as = {name: _json(table) for name, table in tables.items()}
        wanted = frozenset(known_as.values())
        all_of_them = _json(tables)
        if all_of_them in self._refused:
            raise RecordFault("", self._refused[all_of_them])
        try:
            return {
                name: self._one(name, table, known_as[name], wanted)
                for name, table in tables.items()
            }
        except Gone:
            raise
        except RecordFault as fault:
            # It takes seconds to find out, and every lot asks anew.
            while len(self._refused) >= MOST_REFUSED:
                del self._refused[next(iter(self._refused))]
            self._refused[all_of_them] = fault.reason
            raise

    def _one(
        self, name: str, table: TableFile, known_as: bytes, wanted: frozenset[bytes]
    ) -> FileTable:
        found = self._read.pop(known_as, None)
        if found is None:
            found = FileTable(name, table, lambda memory: self._make_room(name, memory, wanted))
        self._read[known_as] = found
        while len(self._read) > KEPT and self._drop_one_but(wanted):
            pass
        return found

    def _make_room(self, name: str, memory: int, wanted: frozenset[bytes]) -> None:
        while memory + sum(one.memory for one in self._read.values()) > MOST_MEMORY:
            if not self._drop_one_but(wanted):
                most = f"{MOST_MEMORY // MIB} MiB of memory"
                if self._read:
                    words = f"the tables of this source need more than {most} together"
                    raise RecordFault("", f"{words}; {name} is one too much")
                raise RecordFault("", f"the table {name} is too large: it needs more than {most}")

    def _drop_one_but(self, wanted: frozenset[bytes]) -> bool:
        """Forget what was not used for longest; False if all are wanted."""
        for known_as in self._read:
            if known_as not in wanted:
                del self._read[known_as]
                return True
        return False


def _parts(file: BinaryIO, form: Format) -> Iterator[Iterator[Read]]:
    """Read a file part by part: all at once it would need several times its size."""
    file.seek(form.begins)
    if form.kind not in (Kind.CSV, Kind.JSON_LINES):
        yield read(file.read(), form)
        return
    left, line, at_end = b"", form.first_line, False
    while not at_end:
        block = file.read(BLOCK)
        left, at_end = left + block, not block
        cuts = cut(left, form, line=line, at_end=at_end)
        start = 0
        for part in cuts.parts:
            yield read(left[start : start + part.size], form, line=part.line)
            start += part.size
        if cuts.fault:
            raise FileFault(cuts.fault, cuts.line)
        left, line = left[start:], cuts.line


def _size(kept: str | bytes) -> int:
    return -(-sys.getsizeof(kept) // GRAIN) * GRAIN
