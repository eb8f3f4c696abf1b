"""CSV files as people make them: sniffed, read the same from every place, told by line."""

import codecs
import csv
import io
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.recipes.record import Record
from hub.records.bounds import CHUNK_ROWS, LONGEST_FIELD, LONGEST_RECORD, MOST_COLUMNS
from hub.records.cutting import cut
from hub.records.fault import FileFault, Unreadable
from hub.records.format import Encoding, Format, Hints, Kind
from hub.records.looking import look
from hub.records.reading import read

NO_HINTS = Hints()


def everything(content: bytes, hints: Hints = NO_HINTS) -> list[Record | Unreadable]:
    form = look(content, hints, whole=True)
    return list(read(content[form.begins :], form, line=form.first_line))


def rows_of(content: bytes, hints: Hints = NO_HINTS) -> list[dict[str, object]]:
    return [dict(one.fields) for one in everything(content, hints) if isinstance(one, Record)]


def in_parts(content: bytes, form: Format, step: int) -> list[Record | Unreadable]:
    """Cut a file as the pipeline does, a buffer at a time, and read every part by itself."""
    found: list[Record | Unreadable] = []
    place, line, end = form.begins, form.first_line, form.begins + step
    while place < len(content):
        at_end = end >= len(content)
        cuts = cut(content[place:end], form, line=line, at_end=at_end)
        assert cuts.fault is None
        for part in cuts.parts:
            found += read(content[place : place + part.size], form, line=part.line)
            place += part.size
        line, end = cuts.line, end + step
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = f"a{delimiter}b{delimiter}c\n1{delimiter}2, or so{delimiter}3\n"
    content = text.replace("2, or so", '"2, or so"').encode()
    assert rows_of(content) == [{"a": "1", "b": "2, or so", "c": "3"}]


@pytest.mark.parametrize(
    ("codec", "mark", "encoding"),
    [
        ("utf-8", b"", Encoding.UTF_8),
        ("utf-8", codecs.BOM_UTF8, Encoding.UTF_8),
        ("utf-16-le", codecs.BOM_UTF16_LE, Encoding.UTF_16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE, Encoding.UTF_16_BE),
        ("utf-16-le", b"", Encoding.UTF_16_LE),
        ("utf-16-be", b"", Encoding.UTF_16_BE),
        ("cp1252", b"", Encoding.WINDOWS_1252),
    ],
)
def test_the_encoding_is_found(codec: str, mark: bytes, encoding: Encoding) -> None:
    content = mark + "name,town\r\nZoë Müller,Köln €\r\n".encode(codec)
    assert look(content, NO_HINTS, whole=True).encoding is encoding
    assert rows_of(content) == [{"name": "Zoë Müller", "town": "Köln €"}]


def test_what_is_said_of_a_file_goes_before_what_it_looks_like() -> None:
    hints = Hints(encoding="latin-1", delimiter=":", names=("who", "what"))
    assert rows_of("Zoë:x\n".encode("cp1252"), hints) == [{"who": "Zoë", "what": "x"}]


def test_an_encoding_nobody_knows_is_told() -> None:
    with pytest.raises(FileFault, match="'ebcdic' is none of utf-8, utf-16, windows-1252"):
        look(b"a,b\n", Hints(encoding="ebcdic"), whole=True)


def test_columns_are_renamed() -> None:
    hints = Hints(renamed={"E-Mail": "email"})
    assert rows_of(b"E-Mail,x\nann@example.org,1\n", hints) == [
        {"email": "ann@example.org", "x": "1"}
    ]


def test_old_line_ends_and_blank_lines_before_the_names() -> None:
    assert rows_of(b"\r\n ,\r\na,b\r\n1,2\r\n") == [{"a": "1", "b": "2"}]
    assert rows_of(b"a,b\r1,2\r3,4\r") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    found = everything(b'\na,b\n1,"x\ny"\n3\n5,6\n')
    assert [one.line for one in found] == [3, 5, 6]
    assert isinstance(found[1], Unreadable)
    assert found[1].reason == "has 1 fields where the file has 2 columns"


def test_a_quote_that_is_never_closed_costs_its_own_row() -> None:
    content = b'a,b\n1,2\n3,"four\n5,6\n7,8\n'
    found = everything(content)
    assert [type(one).__name__ for one in found] == ["Record", "Unreadable", "Record", "Record"]
    assert isinstance(found[1], Unreadable)
    assert found[1].line == 3
    assert "a quote is opened here" in found[1].reason


def test_a_quote_that_is_never_closed_in_a_large_file() -> None:
    rows = [f"{n},{n}" for n in range(60_000)]
    rows[100] = '100,"open'
    content = ("a,b\n" + "\n".join(rows) + "\n").encode()
    assert len(content) > 4 * LONGEST_FIELD
    form = look(content[:100_000], NO_HINTS, whole=False)
    found = in_parts(content, form, 300_000)
    assert [one.line for one in found if isinstance(one, Unreadable)] == [102]
    assert sum(isinstance(one, Record) for one in found) == 59_999


def test_many_rows_that_cannot_be_read_and_the_file_is_given_up() -> None:
    with pytest.raises(FileFault, match="more than 1000 rows cannot be read"):
        everything(b"a,b\n" + b"1\r2,3\n" * 1001)


def test_the_same_rows_wherever_the_file_is_cut() -> None:
    luck = random.Random(7)  # noqa: S311  the same file every time
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["a", "b", "c"])
    for number in range(3 * CHUNK_ROWS):
        word = luck.choice(["plain", 'with "quotes"', "two\nlines", "comma, it has", "ü€😀", ""])
        writer.writerow([number, word, luck.choice([word, "x" * luck.randrange(300)])])
    for codec in ("utf-8", "utf-16-le"):
        content = out.getvalue().encode(codec)
        form = look(content[:65536], NO_HINTS, whole=False)
        whole = list(read(content[form.begins :], form, line=form.first_line))
        assert len(whole) == 3 * CHUNK_ROWS
        assert in_parts(content, form, 100_000) == whole


@given(st.lists(st.lists(st.text(alphabet='ab",\r\n é', max_size=5), min_size=2, max_size=2)))
def test_what_csv_writes_is_read(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["p", "q"])
    writer.writerows(rows)
    content = out.getvalue().encode()
    form = Format(Kind.CSV, names=("p", "q"), begins=len(b'"p","q"\r\n'), first_line=2)
    found = list(read(content[form.begins :], form, line=2))
    expected = [row for row in rows if any(row)]
    assert [list(one.fields.values()) for one in found if isinstance(one, Record)] == expected


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_records_or_faults(content: bytes) -> None:
    with suppress(FileFault):
        everything(content)


def test_a_row_that_does_not_fit_the_encoding_is_told_with_its_column() -> None:
    rows = ["Zoë,1", "Müller,2", "Köln,3"] * 5
    lines = [row.encode() for row in rows]
    lines[4] = "Jürgen,9".encode("cp1252")
    found = everything(b"name,n\n" + b"\n".join(lines) + b"\n")
    (wrong,) = [one for one in found if isinstance(one, Unreadable)]
    assert (wrong.line, wrong.field) == (6, "name")
    assert wrong.reason == "has bytes that do not fit the encoding of the file"
    assert len(found) == 15


def test_half_of_a_pair_in_utf_16_is_told() -> None:
    content = "a,b\nx,".encode("utf-16-le") + b"\x00\xd8" + "\ny,2\n".encode("utf-16-le")
    found = everything(b"\xff\xfe" + content)
    assert isinstance(found[0], Unreadable)
    assert isinstance(found[1], Record)


def test_what_is_no_text_is_no_csv() -> None:
    with pytest.raises(FileFault, match="is not text"):
        look(b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)), NO_HINTS, whole=True)
    with pytest.raises(FileFault, match="is empty"):
        look(b"", NO_HINTS, whole=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b",".join(b"c%d" % n for n in range(MOST_COLUMNS + 1)) + b"\n", "has 1,001 columns"),
        (b"a,b,a\n1,2,3\n", "the column 'a' stands there twice"),
        (b"x" * (LONGEST_RECORD + 1), "more than 1024 KiB in one line"),
        (b"a" * 201 + b",b\n", "column 1 has more than 200 characters"),
        (b"\n\n", "has no row with the names"),
    ],
)
def test_names_of_columns_are_bounded(content: bytes, reason: str) -> None:
    with pytest.raises(FileFault, match=reason):
        look(content, NO_HINTS, whole=True)


def test_a_record_without_end_is_told_and_what_is_before_it_is_kept() -> None:
    content = b"a,b\n1,2\n" + b"3," + b"x" * (LONGEST_RECORD + 10) + b"\n"
    form = Format(Kind.CSV, names=("a", "b"), begins=4, first_line=2)
    cuts = cut(content[4:], form, line=2, at_end=True)
    assert cuts.fault == "a record has more than 1024 KiB"
    assert [part.size for part in cuts.parts] == [4]


def test_formulas_are_texts() -> None:
    assert rows_of(b"a,b\n=1+1,\"=cmd|' /C calc'!A0\"\n") == [
        {"a": "=1+1", "b": "=cmd|' /C calc'!A0"}
    ]
