"""Finding out what a file is, from its first bytes and from what is said of it."""

from collections import Counter
from itertools import islice

from hub.records.bounds import LONGEST_NAME, LONGEST_RECORD, MOST_COLUMNS, SAMPLE
from hub.records.csv_rows import BadRow, Row, read_rows
from hub.records.fault import FileFault
from hub.records.format import Encoding, Format, Hints, Kind
from hub.records.lines import is_sound, split, text_of
from hub.records.text_encoding import find_encoding

DELIMITERS = (",", ";", "\t", "|")
TRIED_ROWS = 50
GZIP = b"\x1f\x8b"


def look(sample: bytes, hints: Hints, *, whole: bool) -> Format:
    """Say what a file is that begins with `sample`; `whole`: it is all of it. Raises FileFault.

    The sample should hold the first record: a MiB and more does.
    """
    if not sample:
        raise FileFault("is empty")
    if sample.startswith(GZIP):
        raise FileFault("is packed twice")
    encoding, mark = find_encoding(sample[:SAMPLE], hints.encoding)
    plain = Format(hints.kind or Kind.CSV, encoding, begins=mark, pointer=hints.pointer)
    text = text_of(sample[mark : SAMPLE - SAMPLE % 2], plain).lstrip()
    kind = hints.kind or _kind(text)
    plain = Format(kind, encoding, newline=_newline(text), begins=mark, pointer=hints.pointer)
    if kind is not Kind.CSV:
        if encoding in (Encoding.UTF_16_LE, Encoding.UTF_16_BE):
            raise FileFault("is JSON, and not in UTF-8 as RFC 8259 wants it")
        # A byte that does not fit is a fault of its record, whatever the others look like.
        return _with(plain, encoding=Encoding.UTF_8)
    return _look_at_csv(sample, plain, hints, whole=whole)


def _kind(text: str) -> Kind:
    if text.startswith("["):
        return Kind.JSON
    if not text.startswith("{"):
        return Kind.CSV
    # One object on one line, and more to come, is a line of many.
    first, _, rest = text.partition("\n")
    return Kind.JSON_LINES if first.rstrip().endswith("}") and rest.strip() else Kind.JSON


def _newline(text: str) -> str:
    return "\r" if "\r" in text and "\n" not in text else "\n"


def _look_at_csv(sample: bytes, plain: Format, hints: Hints, *, whole: bool) -> Format:
    lines = split(sample[plain.begins :], plain, at_end=whole)
    if not lines or max(map(len, lines[:TRIED_ROWS])) > LONGEST_RECORD:
        raise FileFault(f"has more than {LONGEST_RECORD // 1024} KiB in one line", 1)
    delimiter = hints.delimiter or _delimiter(lines, plain)
    form = _with(plain, delimiter=delimiter)
    if hints.names is not None:
        return _with(form, names=_checked(list(hints.names), hints))
    skipped, line = 0, 1
    for row in read_rows(lines, form, line=1, at_end=whole):
        match row:
            case BadRow(fault):
                raise FileFault(f"the row with the names of the columns: {fault.reason}", line)
            case Row(fields, size=size) if not any(field.strip() for field in fields):
                skipped, line = skipped + size, row.line + 1
            case Row(fields, size=size):
                names = _checked([name.strip() for name in fields], hints)
                return _with(
                    form,
                    names=names,
                    begins=form.begins + skipped + size,
                    first_line=_line_after(lines, skipped + size),
                )
    raise FileFault("has no row with the names of the columns")


def _line_after(lines: list[bytes], size: int) -> int:
    number = 1
    for line in lines:
        if size <= 0:
            break
        size -= len(line)
        number += 1
    return number


def _delimiter(lines: list[bytes], plain: Format) -> str:
    """Choose the delimiter with which the first rows have the same number of fields, and most."""

    def fits(delimiter: str) -> tuple[float, int]:
        rows = read_rows(lines[: TRIED_ROWS * 4], _with(plain, delimiter=delimiter), line=1)
        tried = [row for row in islice(rows, TRIED_ROWS) if isinstance(row, Row) and row.fields]
        counts = Counter(len(row.fields) for row in tried)
        width, often = counts.most_common(1)[0] if counts else (1, 0)
        return (often / len(tried), width) if width > 1 else (0, 0)

    return max(DELIMITERS, key=fits)


def _checked(names: list[str], hints: Hints) -> tuple[str, ...]:
    if len(names) > MOST_COLUMNS:
        raise FileFault(f"has {len(names):,} columns; at most {MOST_COLUMNS:,} are read", 1)
    named = [hints.renamed.get(name, name) for name in names]
    for place, name in enumerate(named, 1):
        if len(name) > LONGEST_NAME:
            raise FileFault(
                f"the name of column {place} has more than {LONGEST_NAME} characters", 1
            )
        if not is_sound(name):
            raise FileFault(f"the name of column {place} does not fit the encoding", 1)
    filled = [name or f"column {place}" for place, name in enumerate(named, 1)]
    twice = [name for name, count in Counter(filled).items() if count > 1]
    if twice:
        raise FileFault(f"the column {twice[0]!r} stands there twice", 1)
    return tuple(filled)


def _with(form: Format, **changes: object) -> Format:
    members = {name: getattr(form, name) for name in form.__struct_fields__}
    return Format(**{**members, **changes})
