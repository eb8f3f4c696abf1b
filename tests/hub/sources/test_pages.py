"""How an API is asked page by page: all kinds of paging, and the high-water mark."""

from datetime import UTC, datetime

import pytest

from hub.sources.pages import Step, Strange, first, following, highest, records_of
from hub.sources.settings import READ, PollSource

URL = "https://api.example.org/events?kind=all"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def source(**said: object) -> PollSource:
    found = READ.validate_python(
        {"kind": "poll", "name": "An API", "url": URL, "recipe": "github", **said}
    )
    assert isinstance(found, PollSource)
    return found


def test_an_api_without_pages_is_asked_once() -> None:
    said = source()

    assert first(said, None) == Step(URL)
    assert following(said, Step(URL), [1], {}, 1) is None


@pytest.mark.parametrize(
    "header",
    [
        '<https://api.example.org/events?page=2>; rel="next"',
        "</events?page=2>; rel=next",
        '<https://api.example.org/events?page=1>; rel="prev", </events?page=2>; rel="next last"',
        '</events?page=2>; title="more"; rel="next"',
        '</events?page=2>; title="a, b; \\"c\\""; rel="next"',
        '</events?page=0>; title="; rel=next, "; rel=prev, </events?page=2>;rel=NEXT; crossorigin',
        '</events?page=0>; rel="next-archive", </events?page=2>; ; rel="next"',
    ],
)
def test_the_header_link_leads_on(header: str) -> None:
    found = following(source(paging="link"), Step(URL), [], {"link": header}, 1)

    assert found == Step("https://api.example.org/events?page=2", 1)


@pytest.mark.parametrize("header", ["", '<https://api.example.org/>; rel="prev"', "rubbish"])
def test_without_a_next_link_it_was_the_last(header: str) -> None:
    assert following(source(paging="link"), Step(URL), [], {"link": header}, 1) is None


def test_an_address_in_the_body_leads_on() -> None:
    said = source(paging={"type": "next", "field": "/paging/next"})

    found = following(said, Step(URL), {"paging": {"next": "?after=7"}}, {}, 1)

    assert found == Step("https://api.example.org/events?after=7", 1)
    assert following(said, Step(URL), {"paging": {"next": None}}, {}, 1) is None
    assert following(said, Step(URL), {}, {}, 1) is None


def test_a_word_in_the_body_leads_on() -> None:
    said = source(paging={"type": "cursor", "field": "/next", "parameter": "from", "size": 50})

    begun = first(said, None)
    found = following(said, begun, {"next": "a b&c"}, {}, 50)
    again = following(said, found or begun, {"next": 8}, {}, 50)

    assert begun.url == f"{URL}&limit=50"
    assert found == Step(f"{URL}&limit=50&from=a+b%26c", 1)
    assert again == Step(f"{URL}&limit=50&from=8", 2)
    assert following(said, begun, {"next": ""}, {}, 50) is None


def test_pages_are_counted_until_one_is_empty() -> None:
    said = source(paging={"type": "page", "parameter": "p", "first": 0})

    begun = first(said, None)
    second = following(said, begun, [], {}, 3)

    assert begun.url == f"{URL}&p=0"
    assert second is not None
    assert second == Step(f"{URL}&p=1", 1)
    assert following(said, second, [], {}, 0) is None


def test_offsets_are_counted_until_a_page_is_not_full() -> None:
    said = source(paging={"type": "offset", "size": 100, "sizeParameter": "count"})

    begun = first(said, None)
    second = following(said, begun, [], {}, 100)

    assert begun.url == f"{URL}&offset=0&count=100"
    assert second is not None
    assert second == Step(f"{URL}&count=100&offset=100", 1)
    assert following(said, second, [], {}, 99) is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"next": "https://evil.example/events"}, "on another server, evil.example"),
        ({"next": "http://api.example.org/events"}, "on another server"),
        ({"next": "//bücher.example/"}, "on another server, bücher.example"),
        ({"next": "http://[bad"}, r"the next page's address, 'http://\[bad', is no address"),
        ({"next": "http://a℀b.example/"}, "is no address"),
        ({"next": "/x\x01"}, r"'/x\\x01', is no address"),
        ({"next": "/x\0"}, "is no address"),
        ({"next": {"href": "/"}}, "at /next leads nowhere"),
        ({"next": True}, "at /next leads nowhere"),
        ({"next": "/events?" + "x" * 5000}, "too long"),
    ],
)
def test_strange_addresses_are_not_followed(document: object, reason: str) -> None:
    said = source(paging={"type": "next", "field": "/next"})

    with pytest.raises(Strange, match=reason):
        following(said, Step(URL), document, {}, 1)


def test_a_strange_link_is_not_followed() -> None:
    with pytest.raises(Strange, match="is no address"):
        following(source(paging="link"), Step(URL), [], {"link": "<http://[x>; rel=next"}, 1)


def test_a_round_does_not_begin_with_a_mark_that_fits_no_address() -> None:
    with pytest.raises(Strange, match="the address with the mark in it is too long"):
        first(source(cursor={"field": "at", "parameter": "since"}), "x" * 100_000)


@pytest.mark.parametrize(
    ("mark", "overlap", "asked"),
    [
        (None, 0, "since=2020-01-01"),
        ("2026-03-02T09:00:00Z", 0, "since=2026-03-02T09%3A00%3A00Z"),
        ("2026-03-02T09:00:00Z", 60, "since=2026-03-02T08%3A59%3A00Z"),
        ("2026-03-02T10:00:00+01:00", 60, "since=2026-03-02T09%3A59%3A00%2B01%3A00"),
        ("1772442000", 60, "since=1772441940"),
        ("1772442000000", 60, "since=1772441940000"),
        ("abc", 60, "since=abc"),
        ("30", 60, "since=0"),
        ("0001-01-01T00:00:00Z", 60, "since=0001-01-01T00%3A00%3A00Z"),
        ("123456789012345678901", 0, "since=123456789012345678901"),
    ],
)
def test_a_round_begins_at_the_mark(mark: str | None, overlap: int, asked: str) -> None:
    said = source(
        cursor={
            "field": "at",
            "parameter": "since",
            "overlapSeconds": overlap,
            "initial": "2020-01-01",
        }
    )

    assert first(said, mark).url == f"{URL}&{asked}"


@pytest.mark.parametrize(
    ("values", "mark", "highest_is"),
    [
        (["9", "10"], None, "10"),
        ([9, 10.5], "2", "10.5"),
        (["2026-03-02T10:00:00+02:00", "2026-03-02T09:00:00Z"], None, "2026-03-02T09:00:00Z"),
        (["b", "a"], None, "b"),
        ([None, True, "", {}], "kept", "kept"),
        ([], None, None),
        ([1000000000000000000, 999999999999999999], None, "1000000000000000000"),
        (["900000000000000001", "900000000000000002"], None, "900000000000000002"),
        (["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"], None, "0001-01-01T00:00:00Z"),
        (["2026-03-03T08:00:00Z", "2026-03-03T10:00:00Z"], None, "2026-03-03T08:00:00Z"),
        (["2999-01-01", "9999-12-31T23:59:59-14:00"], "2026-01-01", "2026-01-01"),
        ([32472144000], None, "32472144000"),
    ],
)
def test_the_mark_is_the_highest_value(
    values: list[object], mark: str | None, highest_is: str | None
) -> None:
    said = source(cursor={"field": "meta.at", "parameter": "since"})
    records: list[object] = [{"meta": {"at": value}} for value in values]

    assert highest(said, records, mark, NOW) == highest_is


@pytest.mark.parametrize(("value", "mark"), [(1772442000, "1772442000"), (32472144000, None)])
def test_numbers_that_overlap_are_times(value: int, mark: str | None) -> None:
    said = source(cursor={"field": "at", "parameter": "since", "overlapSeconds": 60})

    assert highest(said, [{"at": value}, {"at": value * 1000}], None, NOW) == (
        mark and f"{value * 1000}"
    )


def test_a_value_too_long_to_be_a_mark_is_told() -> None:
    said = source(cursor={"field": "at", "parameter": "since"})

    with pytest.raises(Strange, match="the value of at has 100000 characters"):
        highest(said, [{"at": "x" * 100_000}], None, NOW)


def test_records_are_found_or_their_place_is_told() -> None:
    assert records_of({"result": {"rows": [1, 2]}}, "/result/rows") == [1, 2]
    assert records_of({"id": 1}, "") == [{"id": 1}]
    assert records_of({"a/b": [3]}, "/a~1b") == [3]
    with pytest.raises(Strange, match="no records at /rows"):
        records_of({"rows": "none"}, "/rows")
