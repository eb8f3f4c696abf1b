"""Rows of CSV: the same rows wherever reading begins, so that workers can share a file.

A row whose quote is never closed is told by itself, and reading goes on with the line after it;
without that, one stray quote would swallow the rest of a file.
"""

import csv
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub.records.bounds import LONGEST_FIELD, MOST_UNREADABLE
from hub.records.fault import FileFault, Unreadable
from hub.records.format import Format
from hub.records.lines import text_of

UNCLOSED = (
    f"a quote is opened here, and not closed within {LONGEST_FIELD // 1024} KiB "
    "or before the end of the file"
)

csv.field_size_limit(LONGEST_FIELD)


class Row(NamedTuple):
    """A row, the line it begins at, and the bytes from its begin to the begin of the next."""

    fields: list[str]
    line: int
    size: int


class BadRow(NamedTuple):
    """A row that cannot be read."""

    fault: Unreadable
    size: int


class _Lines:
    """An iterator over lines as text that knows how far it has come."""

    def __init__(self, lines: Sequence[bytes], form: Format) -> None:
        self._lines = lines
        self._form = form
        self.next = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.next == len(self._lines):
            raise StopIteration
        line = self._lines[self.next]
        self.next += 1
        return text_of(line, self._form)


def read_rows(
    lines: Sequence[bytes], form: Format, *, line: int, at_end: bool = True
) -> Iterator[Row | BadRow]:
    """Read rows from lines of which the first has the number `line`.

    Without `at_end`, a row that is not complete yet is left out. Raises FileFault.
    """
    source = _Lines(lines, form)
    reader = csv.reader(source, delimiter=form.delimiter)
    bad = 0
    while True:
        start = source.next
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = _fault(line + start, error)
        else:
            if source.next < len(lines) or not _is_open(lines, start, form):
                yield Row(fields, line + start, _size(lines, start, source.next))
                continue
            if not at_end:
                return
            fault = Unreadable(line + start, UNCLOSED)
        bad += 1
        if bad > MOST_UNREADABLE:
            raise FileFault(
                f"more than {MOST_UNREADABLE} rows cannot be read: is that CSV?", line + start
            )
        yield BadRow(fault, len(lines[start]))
        source.next = start + 1
        reader = csv.reader(source, delimiter=form.delimiter)


def _is_open(lines: Sequence[bytes], start: int, form: Format) -> bool:
    """Say whether the last row ends only because the lines do, in the middle of a quote."""
    texts = (text_of(line, form) for line in lines[start:])
    if not any('"' in text for text in texts):
        return False
    strict = csv.reader(
        (text_of(line, form) for line in lines[start:]), delimiter=form.delimiter, strict=True
    )
    try:
        next(strict)
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _size(lines: Sequence[bytes], start: int, end: int) -> int:
    return len(lines[start]) if end == start + 1 else sum(map(len, lines[start:end]))


def _fault(line: int, error: csv.Error) -> Unreadable:
    words = str(error)
    if "field limit" in words:
        return Unreadable(line, UNCLOSED)
    if "new-line character" in words:
        return Unreadable(line, "has a carriage return in the middle of a field without quotes")
    return Unreadable(line, f"is no row of CSV: {words}")
