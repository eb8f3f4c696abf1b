"""JSON documents, JSON Lines and forms become records, or say where they are not."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.recipes.record import Record
from hub.records.bounds import DEEPEST, LARGEST_DOCUMENT, LONGEST_RECORD
from hub.records.fault import FileFault, Unreadable
from hub.records.format import Format, Hints, Kind
from hub.records.looking import look
from hub.records.reading import Read, read


def everything(content: bytes, kind: Kind | None = None, pointer: str = "") -> list[Read]:
    form = look(content, Hints(kind=kind, pointer=pointer), whole=True)
    return list(read(content[form.begins :], form, line=form.first_line))


def fields_of(found: list[Read]) -> list[object]:
    return [dict(one.fields) if isinstance(one, Record) else one.reason for one in found]


def test_one_object_or_an_array_of_them() -> None:
    assert fields_of(everything(b' {"a": 1}\n')) == [{"a": 1}]
    assert fields_of(everything(b'\xef\xbb\xbf[{"a": 1}, {"b": 2}]')) == [{"a": 1}, {"b": 2}]


def test_an_object_over_several_lines_is_one_object() -> None:
    assert fields_of(everything(b'{\n  "a": {\n  }\n}\n')) == [{"a": {}}]


def test_records_deep_in_a_document() -> None:
    content = b'{"result": {"a/b": [{"x": 1}, {"x": 2}]}, "more": false}'
    assert fields_of(everything(content, pointer="/result/a~1b")) == [{"x": 1}, {"x": 2}]
    with pytest.raises(FileFault, match="has no records at /result/c"):
        everything(content, pointer="/result/c")


def test_lines_of_json_are_told_one_by_one() -> None:
    found = everything(b'{"a": 1}\n\n{"a": \n{"a": "\\ud800"}\n[1]\n{"a": 2}')
    assert [one.line for one in found] == [1, 3, 4, 5, 6]
    assert [isinstance(one, Record) for one in found] == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "must be a JSON object"),
        (b'{"a": NaN}', "is no JSON"),
        (b'{"a": "\xff"}', "is no JSON"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, f"is nested more than {DEEPEST} levels deep"),
        (b'{"a":' * 100_000, "JSON"),
        (b'{"a": "' + b"x" * LONGEST_RECORD + b'"}', "has more than 1024 KiB"),
    ],
)
def test_a_line_that_is_no_record(line: bytes, reason: str) -> None:
    found = everything(line + b"\n" + b'{"b": 1}', Kind.JSON_LINES)
    assert isinstance(found[0], Unreadable)
    assert reason in found[0].reason or "nested" in found[0].reason
    assert isinstance(found[1], Record)


def test_a_document_is_bounded() -> None:
    with pytest.raises(FileFault, match="as JSON Lines it may have any size"):
        everything(b"[" + b" " * LARGEST_DOCUMENT + b"]")


def test_a_document_that_is_no_json() -> None:
    with pytest.raises(FileFault, match="is no JSON"):
        everything(b"[1, 2")
    with pytest.raises(FileFault, match="is JSON, and not in UTF-8"):
        everything('{"a": 1}'.encode("utf-16"))


def test_forms_become_objects() -> None:
    found = everything(b"type=subscribe&data%5Bemail%5D=ann%40example.org&data[x]=", Kind.FORM)
    assert fields_of(found) == [
        {"type": "subscribe", "data": {"email": "ann@example.org", "x": ""}}
    ]
    assert isinstance(everything(b"a=%ff", Kind.FORM)[0], Unreadable)
    assert isinstance(everything(b"a=1&" * 2000, Kind.FORM)[0], Unreadable)


@given(st.binary(max_size=300), st.sampled_from([Kind.JSON, Kind.JSON_LINES, Kind.FORM]))
def test_bytes_of_any_kind_are_records_or_faults(content: bytes, kind: Kind) -> None:
    with suppress(FileFault):
        list(read(content, Format(kind)))
