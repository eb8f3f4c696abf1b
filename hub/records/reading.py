"""Records of a part of a file: each is one that can be read, or says why not and at which line."""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

import msgspec

from hub.recipes.record import Record
from hub.records.bounds import DEEPEST, LARGEST_DOCUMENT, LONGEST_RECORD
from hub.records.csv_rows import BadRow, Row, read_rows
from hub.records.fault import FileFault, Unreadable
from hub.records.format import Format, Kind
from hub.records.lines import is_sound, split, text_of

MOST_PAIRS = 1000
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_whole = msgspec.json.Decoder(msgspec.Raw)

Read = Record | Unreadable


def read(
    content: bytes, form: Format, *, line: int = 1, headers: Mapping[str, str] | None = None
) -> Iterator[Read]:
    """Read all records of a part that begins at `line`. Raises FileFault."""
    match form.kind:
        case Kind.CSV:
            yield from _rows(content, form, line)
        case Kind.JSON_LINES:
            yield from _json_lines(content, form, line)
        case Kind.JSON:
            yield from _document(content, form, headers or {})
        case Kind.FORM:
            yield from _forms(content, form, headers or {})


def _rows(content: bytes, form: Format, line: int) -> Iterator[Read]:
    names, width = form.names, len(form.names)
    for row in read_rows(split(content, form, at_end=True), form, line=line):
        if isinstance(row, BadRow):
            yield row.fault
            continue
        fields = row.fields
        if len(fields) != width:
            if any(fields):
                reason = f"has {len(fields):,} fields where the file has {width:,} columns"
                yield Unreadable(row.line, reason)
            continue
        if wrong := _unsound(row, names):
            yield wrong
        elif any(fields):
            yield Record(dict(zip(names, fields, strict=True)), row.line)


def _unsound(row: Row, names: tuple[str, ...]) -> Unreadable | None:
    if is_sound("".join(row.fields)):
        return None
    for name, text in zip(names, row.fields, strict=True):
        if not is_sound(text):
            return Unreadable(row.line, "has bytes that do not fit the encoding of the file", name)
    return None


def _json_lines(content: bytes, form: Format, line: int) -> Iterator[Read]:
    for number, one in enumerate(split(content, form, at_end=True), line):
        if one.strip():
            yield _record(one, number, {})


def _document(content: bytes, form: Format, headers: Mapping[str, str]) -> Iterator[Read]:
    if len(content) > LARGEST_DOCUMENT:
        raise FileFault(
            f"is a JSON document of more than {LARGEST_DOCUMENT // 1024 // 1024} MiB; "
            "as JSON Lines it may have any size"
        )
    yield from _values(_at(content.strip(), form.pointer), headers)


def _values(found: bytes, headers: Mapping[str, str]) -> Iterator[Read]:
    if not found.startswith(b"["):
        yield _record(found, 1, headers)
        return
    for number, raw in enumerate(_decoded(found), 1):
        yield _record(bytes(raw), number, headers)


def _at(content: bytes, pointer: str) -> bytes:
    """Give the bytes of the value at a JSON pointer, without reading the others."""
    try:
        found = bytes(_whole.decode(content))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise FileFault(f"is no JSON: {error}") from None
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            found = bytes(_steps(found, name))
        except (msgspec.DecodeError, RecursionError, KeyError, IndexError, ValueError):
            raise FileFault(f"has no records at {pointer}") from None
    return found


def _steps(content: bytes, name: str) -> msgspec.Raw:
    if content.lstrip().startswith(b"["):
        return _raws.decode(content)[int(name)]
    return msgspec.json.decode(content, type=dict[str, msgspec.Raw])[name]


def _decoded(content: bytes) -> list[msgspec.Raw]:
    try:
        return _raws.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FileFault(f"is no JSON: {error}") from None


def _record(raw: bytes, line: int, headers: Mapping[str, str]) -> Read:
    if len(raw) > LONGEST_RECORD:
        return Unreadable(line, f"has more than {LONGEST_RECORD // 1024} KiB")
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(line, f"is no JSON: {error}")
    except RecursionError:
        return Unreadable(line, "is nested too deeply")
    if not isinstance(found, dict):
        return Unreadable(line, "must be a JSON object")
    if _depth(found) > DEEPEST:
        return Unreadable(line, f"is nested more than {DEEPEST} levels deep")
    return Record(found, line, headers)


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        if depth > DEEPEST:
            return depth
        members = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting.extend((member, depth + 1) for member in members)
    return deepest


def _forms(content: bytes, form: Format, headers: Mapping[str, str]) -> Iterator[Read]:
    """Read a form: one record, or the JSON that the field of a pointer such as `/events` holds."""
    record = _form(content, form, headers)
    if isinstance(record, Unreadable) or not form.pointer:
        yield record
        return
    _, name, *steps = form.pointer.split("/")
    held = record.fields.get(name)
    if not isinstance(held, str):
        raise FileFault(f"has no records at {form.pointer}")
    inner = "".join(f"/{step}" for step in steps)
    yield from _values(_at(held.strip().encode(), inner), headers)


def _form(content: bytes, form: Format, headers: Mapping[str, str]) -> Read:
    """Read `application/x-www-form-urlencoded`; `data[email]` becomes a member of `data`."""
    if len(content) > LONGEST_RECORD:
        return Unreadable(1, f"has more than {LONGEST_RECORD // 1024} KiB")
    try:
        pairs = parse_qsl(
            text_of(content, form),
            keep_blank_values=True,
            max_num_fields=MOST_PAIRS,
            errors="strict",
        )
    except ValueError as error:
        return Unreadable(1, f"is no form: {error}")
    found: dict[str, object] = {}
    for name, value in pairs:
        steps = [step for step in name.replace("]", "").split("[") if step]
        inner = found
        for step in steps[:-1][:DEEPEST]:
            deeper = inner.setdefault(step, {})
            inner = deeper if isinstance(deeper, dict) else inner
        if steps:
            inner[steps[-1]] = value
    return Record(found, 1, headers)
