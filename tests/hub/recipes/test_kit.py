"""What recipes are made with: each piece by itself, in one line, as authors of recipes test."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from hub.recipes.context import Context
from hub.recipes.faults import RecordFault
from hub.recipes.kit import (
    account,
    activity,
    agent,
    duration,
    score,
    session,
    statement,
    timestamp,
    verb,
)
from hub.recipes.record import Record
from tests.hub.recipes.cases import Kept

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "PT0S"),
        (0.004, "PT0S"),
        (0.5, "PT0.5S"),
        (59.999, "PT1M"),
        (90, "PT1M30S"),
        (3600, "PT1H"),
        (5400.25, "PT1H30M0.25S"),
        (360_000, "PT100H"),
    ],
)
def test_a_length_of_time_is_written_as_iso_8601_has_it(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_no_length_of_time_is_below_nothing_or_without_end(seconds: float) -> None:
    with pytest.raises(ValueError, match="length of time"):
        duration(seconds)


def test_a_score_is_scaled_and_bounded() -> None:
    assert score(87) == {"raw": 87, "min": 0, "max": 100, "scaled": 0.87}
    assert score(-5, least=-10, most=5)["scaled"] == -0.5
    with pytest.raises(ValueError, match="101 is not within 0 to 100"):
        score(101)
    with pytest.raises(ValueError, match="is not within"):
        score(1, least=1, most=1)


def test_a_session_is_the_same_for_the_same_names_only() -> None:
    assert session("room", "ada") == session("room", "ada")
    assert session("room", "ada") != session("rooma", "da")


def test_a_statement_says_only_what_is_known() -> None:
    made = statement(
        actor=agent(" mailto:ada@example.org ", "Ada"),
        verb=verb("https://example.org/did", "did"),
        object=activity("https://example.org/it", "https://example.org/type", "It"),
    )
    assert made == {
        "actor": {"mbox": "mailto:ada@example.org", "name": "Ada"},
        "verb": {"id": "https://example.org/did", "display": {"en": "did"}},
        "object": {
            "id": "https://example.org/it",
            "definition": {"type": "https://example.org/type", "name": {"en": "It"}},
        },
    }
    assert activity("https://example.org/it") == {"id": "https://example.org/it"}
    assert account("7", "https://example.org", "Ada") == {
        "account": {"name": "7", "homePage": "https://example.org"},
        "name": "Ada",
    }


def test_a_moment_is_written_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    assert timestamp(datetime(2026, 3, 2, 10, tzinfo=berlin)) == "2026-03-02T09:00:00.000Z"


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02T09:00:00Z",
        "2026-03-02t10:00:00+01:00",
        "2026-03-02 09:00",
        1772442000,
        "1772442000.0",
        1772442000000,
        "20260302T090000Z",
    ],
)
def test_moments_are_read_as_senders_write_them(written: object) -> None:
    assert Record({"at": written}).moment("at") == AT


def test_a_moment_without_a_zone_is_of_the_zone_that_is_said() -> None:
    record = Record({"at": "03/02/2026 10:00"})
    berlin = ZoneInfo("Europe/Berlin")
    assert record.moment("at", formats=["%m/%d/%Y %H:%M"], zone=berlin) == AT


@pytest.mark.parametrize(
    "written",
    [
        "soon",
        "99999999999999999",
        "-1",
        "0001-01-01T00:00:00+14:00",
        "2026",
        45321,
        946684799,
        "202603020900",
    ],
)
def test_what_is_no_moment_is_told_with_its_field(written: object) -> None:
    with pytest.raises(RecordFault) as caught:
        Record({"at": written}).moment("at")
    assert caught.value.field == "at"


def test_a_number_may_be_a_year_where_the_recipe_says_so() -> None:
    found = Record({"at": "2026"}).moment("at", formats=["%Y"])
    assert found == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("written", ["a\0nn@example.org", "ann@exa\x01mple.org", "ann", "a@b@c"])
def test_what_is_no_mailbox_is_told_with_its_field(written: str) -> None:
    with pytest.raises(RecordFault, match="must be an e-mail address") as caught:
        Record({"to": written}).mailbox("to")
    assert caught.value.field == "to"


def test_a_path_reaches_into_objects_and_lists_and_a_name_with_dots_comes_first() -> None:
    record = Record({"a": {"b": [{"c": "deep"}]}, "a.b": "flat", "n": True})
    assert record.text("a.b.0.c") == "deep"
    assert record.text("a.b") == "flat"
    assert record.text("a.b.7.c") is None
    assert record.text("n") == "true"
    with pytest.raises(RecordFault, match="must be a text"):
        record.text("a")


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        ("number", "12,5", "must be a number"),
        ("number", "1e999", "must be a number"),
        ("mailbox", "ada", "must be an e-mail address"),
        ("mailbox", "", "is missing"),
        ("address", "www.example.org", "must be an address"),
        ("address", "https://example.org/a b", "must be an address"),
        ("needed", " ", "is missing"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(read: str, value: str, reason: str) -> None:
    with pytest.raises(RecordFault, match=reason) as caught:
        getattr(Record({"field": value}), read)("field")
    assert caught.value.field == "field"


def test_numbers_may_be_per_cent() -> None:
    assert Record({"score": " 87.5 % "}).number("score") == 87.5


def test_tables_are_asked_by_name_and_a_blank_key_finds_nobody() -> None:
    context = Context(tables={"people": Kept({"7": Record({"email": "ada@example.org"})})})
    found = context.lookup("people", "7")
    assert found is not None
    assert found.text("email") == "ada@example.org"
    assert context.lookup("people", None) is None
    assert context.lookup("people", "8") is None
    with pytest.raises(RecordFault, match="no lookup table 'courses'"):
        context.lookup("courses", "7")


def test_options_are_read_strictly() -> None:
    assert Context({"timezone": "Europe/Berlin"}).zone() == ZoneInfo("Europe/Berlin")
    assert Context().zone() is UTC
    with pytest.raises(RecordFault, match="'Nowhere', which is no time zone"):
        Context({"timezone": "Nowhere"}).zone()
    with pytest.raises(RecordFault, match="homePage must be an address"):
        Context({"homePage": "here"}).home_page("https://example.org")
    assert Context({"homePage": "https://a.org/"}).home_page("https://b.org") == "https://a.org"
