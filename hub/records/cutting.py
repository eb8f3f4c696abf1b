"""Where a file can be cut, so that each part is read by itself."""

from collections.abc import Iterator

import msgspec

from hub.records.bounds import CHUNK_BYTES, CHUNK_ROWS, LONGEST_RECORD
from hub.records.csv_rows import read_rows
from hub.records.fault import FileFault
from hub.records.format import Format, Kind
from hub.records.lines import split

TOO_LONG = f"a record has more than {LONGEST_RECORD // 1024} KiB"


class Cut(msgspec.Struct, frozen=True):
    """A part: how many bytes it has, and the number of its first line."""

    size: int
    line: int


class Cuts(msgspec.Struct, frozen=True):
    """The parts that were found one after the other, and the line that follows them."""

    parts: list[Cut]
    line: int
    fault: str | None = None
    """What is wrong with the record after the last part, so that nothing after it can be read."""


def cut(content: bytes, form: Format, *, line: int, at_end: bool) -> Cuts:
    """Cut bytes that begin with a record. Without `at_end`, an incomplete record is left out."""
    lines = split(content, form, at_end=at_end)
    parts: list[Cut] = []
    size, rows, first, following = 0, 0, line, line
    fault = None
    try:
        for length, after in _records(lines, form, line, at_end=at_end):
            size, rows, following = size + length, rows + 1, after
            if size >= CHUNK_BYTES or rows == CHUNK_ROWS:
                parts.append(Cut(size, first))
                size, rows, first = 0, 0, following
    except FileFault as error:
        fault = error.reason
    if size and (at_end or fault):
        parts.append(Cut(size, first))
        first = following
    taken = sum(part.size for part in parts)
    if fault is None and not at_end and not parts and len(content) - taken > LONGEST_RECORD:
        fault = TOO_LONG
    return Cuts(parts, following if fault else first, fault)


def _records(
    lines: list[bytes], form: Format, line: int, *, at_end: bool
) -> Iterator[tuple[int, int]]:
    """Give the size of each record, and the line after it."""
    if form.kind is not Kind.CSV:
        for number, one in enumerate(lines, line):
            yield _bounded(len(one), number), number + 1
        return
    after = line
    taken = 0
    for row in read_rows(lines, form, line=line, at_end=at_end):
        size = row.size
        while size > 0:
            size -= len(lines[taken])
            taken += 1
            after += 1
        yield _bounded(row.size, after), after


def _bounded(size: int, line: int) -> int:
    if size > LONGEST_RECORD:
        raise FileFault(TOO_LONG, line)
    return size
