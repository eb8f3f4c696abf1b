"""Events go out with every field, and the publisher's data as it came in."""

import json
from datetime import UTC, datetime

import pytest

from hub.events.event import Category, Event, EventType, NewEvent
from hub.events.writing import write, write_page, written

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DATA = '{"z": 1.0, "a": 12345678901234567890123, "e": 1E+5, "t": "\\u0000é"}'


def an_event(category: Category | None = None, ends_at: datetime | None = None) -> Event:
    content = NewEvent(
        "ACME-1", "ACME", EventType.AI_STARTED, "ann", DATA, NOON, ends_at, "LB", "AI:1", category
    )
    return Event(content, created_at=NOON.replace(microsecond=70))


def test_every_field_goes_out() -> None:
    text = write(an_event(Category("ABC", "Course"), NOON)).decode()

    assert f'"PublisherEventData":{DATA}' in text
    members = json.loads(text)
    del members["PublisherEventData"]
    assert members == {
        "EventId": "ACME-1",
        "EventType": "AI_STARTED",
        "PublisherProgramId": "ACME",
        "PublisherSystemId": "LB",
        "PublisherEventId": "AI:1",
        "PublisherParticipantId": "ann",
        "PublisherEventCategory": {"value": "ABC", "label": "Course"},
        "EventStartUtc": "2026-01-31T12:00:00.000000Z",
        "EventEndUtc": "2026-01-31T12:00:00.000000Z",
        "CreatedUtc": "2026-01-31T12:00:00.000070Z",
    }


def test_what_is_not_known_goes_out_as_null() -> None:
    members = json.loads(write(an_event()))

    assert members["PublisherEventCategory"] is None
    assert members["EventEndUtc"] is None
    assert json.loads(write(an_event(Category("ABC"))))["PublisherEventCategory"] == {
        "value": "ABC",
        "label": None,
    }


@pytest.mark.parametrize("following", [None, "2026-01-31T12:00:00.000070Z"])
def test_a_page_holds_the_events_and_the_cursor_of_what_follows(following: str | None) -> None:
    event = an_event()

    page = json.loads(write_page([event, event], following))

    assert page == {"items": [json.loads(write(event))] * 2, "next": following}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_are_written_in_full(moment: datetime, text: str) -> None:
    assert written(moment) == text
