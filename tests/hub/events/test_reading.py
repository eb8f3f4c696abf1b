"""What publishers write is read with every flaw named by its place, and nothing is rounded."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest

from hub.events.event import Category, EventType, NewEvent
from hub.events.reading import InvalidEvents, TooManyEvents, read
from hub.xapi.errors import Invalid, InvalidJson

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class LeftOut(Enum):
    """A field that is not written at all."""

    FIELD = "left out"


LEFT_OUT = LeftOut.FIELD


def an_event(**fields: object) -> dict[str, object]:
    written = {
        "EventId": "ACME-1",
        "PublisherProgramId": "ACME",
        "EventType": "AI_COMP_SUCCESS",
        "PublisherParticipantId": "ann@example.org",
        "PublisherEventData": {},
        "EventStartUtc": "2026-01-31T12:00:00Z",
        **fields,
    }
    return {name: value for name, value in written.items() if value is not LEFT_OUT}


def read_one(body: bytes) -> NewEvent:
    (event,), several = read(body, max_batch=3, new_id=lambda program_id: f"{program_id}-made")
    assert not several
    return event


def read_fields(**fields: object) -> NewEvent:
    return read_one(json.dumps(an_event(**fields)).encode())


def flaws(body: bytes | object) -> dict[str, str]:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises((InvalidEvents, Invalid)) as refused:
        read(written, max_batch=3, new_id=lambda program_id: f"{program_id}-made")
    error = refused.value
    assert isinstance(error, (InvalidEvents, Invalid))
    return {flaw.pointer: flaw.detail for flaw in error.errors}


def test_every_field_is_read() -> None:
    event = read_fields(
        PublisherSystemId="LB",
        PublisherEventId="AI:1234",
        PublisherEventCategory={"value": "ABC123", "label": "Online Course"},
        EventEndUtc="2026-01-31T14:00:00.000001+01:00",
    )

    assert event == NewEvent(
        id="ACME-1",
        publisher_program_id="ACME",
        type=EventType.AI_COMP_SUCCESS,
        publisher_participant_id="ann@example.org",
        data="{}",
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=1, microseconds=1),
        publisher_system_id="LB",
        publisher_event_id="AI:1234",
        category=Category("ABC123", "Online Course"),
    )


@pytest.mark.parametrize("name", ["EventId", "EventEndUtc", "EventEndUTC", "PublisherSystemId"])
def test_null_is_as_good_as_left_out(name: str) -> None:
    event = read_fields(**{name: None})

    assert event == read_fields(EventId=LEFT_OUT if name == "EventId" else "ACME-1")
    assert event.ends_at is None


def test_an_event_without_an_id_is_given_one() -> None:
    assert read_fields(EventId=LEFT_OUT).id == "ACME-made"


@pytest.mark.parametrize(
    ("written", "category"),
    [
        ("ABC", Category("ABC")),
        ({"value": "ABC"}, Category("ABC")),
        ({"value": "ABC", "label": None}, Category("ABC")),
        ({"label": "Course", "value": "ABC"}, Category("ABC", "Course")),
        (None, None),
        (LEFT_OUT, None),
    ],
    ids=str,
)
def test_a_category_is_a_value_or_an_object(written: object, category: Category | None) -> None:
    assert read_fields(PublisherEventCategory=written).category == category


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00Z", NOON),
        ("2026-01-31T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-01-31T12:00:00.123456Z", NOON + timedelta(microseconds=123456)),
        # Nothing keeps more than microseconds; what is past them is cut off, never rounded up.
        ("2026-01-31T12:00:00.123456999Z", NOON + timedelta(microseconds=123456)),
        ("2026-01-31T12:00:00,25Z", NOON + timedelta(milliseconds=250)),
        ("2026-01-31T13:00:00+01:00", NOON),
        ("2026-01-31T17:30:00+0530", NOON),
        ("2026-01-31T04:00:00-08", NOON),
        ("2026-02-01T00:00:00+12:00", NOON),
        ("2024-02-29T00:00:00-00:00", datetime(2024, 2, 29, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("name", ["EventStartUtc", "EventStartUTC"])
def test_times_are_read_into_utc(name: str, written: str, moment: datetime) -> None:
    event = read_fields(**{"EventStartUtc": LEFT_OUT, name: written})

    assert event.starts_at == moment
    assert event.starts_at.tzinfo is UTC


def test_both_casings_may_be_given_if_they_say_the_same() -> None:
    event = read_fields(
        EventStartUTC="2026-01-31T13:00:00+01:00",
        EventEndUtc="2026-01-31T13:00:00Z",
        EventEndUTC="2026-01-31T13:00:00.000Z",
    )

    assert (event.starts_at, event.ends_at) == (NOON, NOON + timedelta(hours=1))


NO_TIME = "must be a time such as 2026-01-31T12:00:00Z"
NAIVE = "needs a zone: Z or an offset such as +01:00 at its end"
NO_DAY = "is a time that no calendar has"
PROGRAM = "must be 1 to 25 of A-Z a-z 0-9 _ ."
ID = "must be ACME- and 1 to 128 characters, or left out"
TYPES = f"must be one of {', '.join(EventType)}"
ONE_LINE = "must be one line, without control characters"
CATEGORY = 'must be a string, or {"value": "...", "label": "..."}'


FLAWED: list[tuple[dict[str, object], dict[str, str]]] = [
    ({"PublisherProgramId": LEFT_OUT}, {"/PublisherProgramId": "is missing"}),
    ({"PublisherProgramId": ""}, {"/PublisherProgramId": PROGRAM}),
    ({"PublisherProgramId": "A" * 26}, {"/PublisherProgramId": PROGRAM}),
    ({"PublisherProgramId": "A-B"}, {"/PublisherProgramId": PROGRAM}),
    ({"PublisherProgramId": ["A"]}, {"/PublisherProgramId": PROGRAM}),
    ({"PublisherProgramId": None}, {"/PublisherProgramId": PROGRAM}),
    ({"EventId": "BETA-1"}, {"/EventId": ID}),
    ({"EventId": "ACME"}, {"/EventId": ID}),
    ({"EventId": "ACME-"}, {"/EventId": ID}),
    ({"EventId": "acme-1"}, {"/EventId": ID}),
    ({"EventId": ""}, {"/EventId": ID}),
    ({"EventId": 7}, {"/EventId": ID}),
    ({"EventId": "ACME-" + "x" * 129}, {"/EventId": ID}),
    ({"EventId": "ACME-a\u0000b"}, {"/EventId": ID}),
    ({"EventId": "ACME-a\nb"}, {"/EventId": ID}),
    ({"EventType": LEFT_OUT}, {"/EventType": "is missing"}),
    ({"EventType": "AI_STARTED "}, {"/EventType": TYPES}),
    ({"EventType": "ai_started"}, {"/EventType": TYPES}),
    ({"EventType": None}, {"/EventType": TYPES}),
    ({"EventType": ["AI_STARTED"]}, {"/EventType": TYPES}),
    ({"EventType": {"AI_STARTED": 1}}, {"/EventType": TYPES}),
    ({"PublisherParticipantId": LEFT_OUT}, {"/PublisherParticipantId": "is missing"}),
    ({"PublisherParticipantId": None}, {"/PublisherParticipantId": "must be a string"}),
    ({"PublisherParticipantId": 1}, {"/PublisherParticipantId": "must be a string"}),
    (
        {"PublisherParticipantId": ""},
        {"/PublisherParticipantId": "must have 1 to 200 characters"},
    ),
    (
        {"PublisherParticipantId": "p" * 201},
        {"/PublisherParticipantId": "must have 1 to 200 characters"},
    ),
    ({"PublisherParticipantId": "a\tb"}, {"/PublisherParticipantId": ONE_LINE}),
    ({"PublisherSystemId": "s" * 26}, {"/PublisherSystemId": "must have 1 to 25 characters"}),
    ({"PublisherEventId": "e" * 201}, {"/PublisherEventId": "must have 1 to 200 characters"}),
    ({"PublisherEventId": "a\u2028b"}, {"/PublisherEventId": ONE_LINE}),
    ({"PublisherEventData": LEFT_OUT}, {"/PublisherEventData": "is missing"}),
    ({"PublisherEventCategory": 5}, {"/PublisherEventCategory": CATEGORY}),
    ({"PublisherEventCategory": ["A"]}, {"/PublisherEventCategory": CATEGORY}),
    (
        {"PublisherEventCategory": ""},
        {"/PublisherEventCategory": "must have 1 to 200 characters"},
    ),
    ({"PublisherEventCategory": {}}, {"/PublisherEventCategory/value": "is missing"}),
    (
        {"PublisherEventCategory": {"label": "L"}},
        {"/PublisherEventCategory/value": "is missing"},
    ),
    (
        {"PublisherEventCategory": {"value": None}},
        {"/PublisherEventCategory/value": "must be a string"},
    ),
    (
        {"PublisherEventCategory": {"value": "v" * 201, "label": 1, "~/": 2}},
        {
            "/PublisherEventCategory/value": "must have 1 to 200 characters",
            "/PublisherEventCategory/label": "must be a string",
            "/PublisherEventCategory/~0~1": "is not a key that is known here",
        },
    ),
    ({"EventStartUtc": LEFT_OUT}, {"/EventStartUtc": "is missing"}),
    ({"EventStartUtc": None}, {"/EventStartUtc": "is missing"}),
    ({"EventStartUtc": ""}, {"/EventStartUtc": NO_TIME}),
    ({"EventStartUtc": 1769860800}, {"/EventStartUtc": NO_TIME}),
    ({"EventStartUtc": "2026-01-31"}, {"/EventStartUtc": NO_TIME}),
    ({"EventStartUtc": "31.01.2026 12:00"}, {"/EventStartUtc": NO_TIME}),
    ({"EventStartUtc": "2026-01-31T12:00:00"}, {"/EventStartUtc": NAIVE}),
    ({"EventStartUtc": "2026-02-30T12:00:00Z"}, {"/EventStartUtc": NO_DAY}),
    ({"EventStartUtc": "2026-01-31T25:00:00Z"}, {"/EventStartUtc": NO_DAY}),
    ({"EventStartUtc": "0001-01-01T00:00:00+01:00"}, {"/EventStartUtc": NO_DAY}),
    ({"EventStartUtc": "9999-12-31T23:59:59-01:00"}, {"/EventStartUtc": NO_DAY}),
    ({"EventStartUTC": "2026-01-31T12:00:00"}, {"/EventStartUTC": NAIVE}),
    (
        {"EventStartUTC": "2026-01-31T12:00:01Z"},
        {"/EventStartUTC": "is another time than EventStartUtc"},
    ),
    ({"EventEndUTC": "soon"}, {"/EventEndUTC": NO_TIME}),
    (
        {"EventEndUtc": "2026-01-31T11:59:59.999999Z"},
        {"/EventEndUtc": "is before EventStartUtc"},
    ),
    ({"CreatedUtc": "2026-01-31T12:00:00Z"}, {"/CreatedUtc": "is given by the hub"}),
    ({"ProgramId": "ACME"}, {"/ProgramId": "is not a key that is known here"}),
    ({"a/b~c": 1}, {"/a~1b~0c": "is not a key that is known here"}),
    (
        {"EventType": "X", "PublisherSystemId": 1},
        {"/EventType": TYPES, "/PublisherSystemId": "must be a string"},
    ),
]


@pytest.mark.parametrize(
    ("fields", "expected"),
    FLAWED,
    ids=[f"{number} {' '.join(fields)}" for number, (fields, _) in enumerate(FLAWED)],
)
def test_every_flaw_is_told_with_its_place(
    fields: Mapping[str, object], expected: Mapping[str, str]
) -> None:
    assert flaws(an_event(**fields)) == expected


@pytest.mark.parametrize("field", ["EventId", "PublisherSystemId", "PublisherEventId", "value"])
def test_the_longest_is_taken(field: str) -> None:
    longest = {"EventId": 154, "PublisherSystemId": 25, "PublisherEventId": 200, "value": 200}
    program = "A" * 25
    # Characters, not bytes: an emoji is one.
    text = f"{program}-".ljust(154, "😀") if field == "EventId" else "😀" * longest[field]
    fields: dict[str, object] = {"PublisherProgramId": program, "EventId": LEFT_OUT}
    fields |= {"PublisherEventCategory": {"value": text}} if field == "value" else {field: text}

    event = read_fields(**fields)

    kept = {
        "EventId": event.id,
        "PublisherSystemId": event.publisher_system_id,
        "PublisherEventId": event.publisher_event_id,
        "value": event.category and event.category.value,
    }
    assert kept[field] == text


DATA = [
    "null",
    "true",
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1",
    "1e5",
    "1E+5",
    "100000.00000000000000000000000000000001",
    "12345678901234567890123456789012345678901234567890",
    '""',
    '"\\u0000"',
    '"\\u00e9\\/\\ud83d\\ude00"',
    '"é😀\u2028"',
    "[]",
    "[ 1 ,\n 2.50 ]",
    '{"z": 1, "a": 2, "": {"": null}}',
    '{ "n" : [ { "deep" : { } } ] }',
    '{"PublisherEventData": "not this one", "EventId": "nor this"}',
    "[" * 60 + "]" * 60,
]


@pytest.mark.parametrize("data", DATA, ids=range(len(DATA)))
@pytest.mark.parametrize("shape", ["{}", "[{}]", "[ {} ,\n\t{} ]"], ids=["one", "array", "two"])
def test_the_data_is_kept_as_it_was_written(data: str, shape: str) -> None:
    text = json.dumps(an_event(EventId=None, PublisherEventData="@")).replace('"@"', f" {data} \n")

    events, several = read(
        shape.replace("{}", text).encode(), max_batch=3, new_id=lambda program_id: f"{program_id}-1"
    )

    assert several == shape.startswith("[")
    assert {event.data for event in events} == {data}


def test_a_key_may_be_written_with_escapes() -> None:
    text = json.dumps(an_event(PublisherEventData=[1.50])).replace("Data", "\\u0044ata")

    assert read_one(text.encode()).data == "[1.5]"


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        (b"", "", "is not JSON"),
        (b"{", "", "is not JSON"),
        (b"\xff", "", "is not UTF-8 (byte 1)"),
        (b'{"a":1} {"b":2}', "", "is not JSON: Extra data"),
        (b'{"PublisherEventData": NaN}', "", "NaN is no number (line 1, column 24)"),
        (b'{"PublisherEventData": 1e400}', "", "1e400 is no number (line 1, column 24)"),
        (b'{"PublisherEventData": ' + b"9" * 4301 + b"}", "", "more than 4300 digits"),
        (b'{"EventId":"a","EventId":"b"}', "/EventId", "stands twice in the same object"),
        (
            b'[{},{"PublisherEventData":{"a":1,"a":1}}]',
            "/1/PublisherEventData/a",
            "stands twice in the same object",
        ),
        (b'{"PublisherEventData":"\\ud800"}', "/PublisherEventData", "has a lone surrogate"),
        (b'{"PublisherEventData":' + b"[" * 5000 + b"]" * 5000 + b"}", "", "is nested too deeply"),
    ],
    ids=range(11),
)
def test_what_is_no_json_is_told_with_its_place(body: bytes, place: str, words: str) -> None:
    with pytest.raises(InvalidJson) as refused:
        read_one(body)

    (flaw,) = refused.value.errors
    assert flaw.pointer == place
    assert words in flaw.detail


def test_data_that_is_too_deep_is_refused_with_its_place() -> None:
    found = flaws(an_event(PublisherEventData=json.loads("[" * 120 + "]" * 120)))

    (pointer,) = found
    assert pointer.startswith("/PublisherEventData/0/0/0")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], {"": "must hold at least one event"}),
        (5, {"": "must be an event, which is an object"}),
        ("ACME-1", {"": "must be an event, which is an object"}),
        (None, {"": "must be an event, which is an object"}),
        ([an_event(), 5], {"/1": "must be an event, which is an object"}),
        ([an_event(), [an_event()]], {"/1": "must be an event, which is an object"}),
        (
            [an_event(EventType=[]), an_event(), an_event(EventId="X-1", foo=1)],
            {
                "/0/EventType": TYPES,
                "/2/EventId": ID,
                "/2/foo": "is not a key that is known here",
            },
        ),
    ],
    ids=range(7),
)
def test_flaws_in_an_array_say_which_event(body: object, expected: Mapping[str, str]) -> None:
    assert flaws(body) == expected


def test_an_array_is_bounded() -> None:
    with pytest.raises(TooManyEvents, match="4 events in one request; at most 3"):
        flaws([an_event()] * 4)


@pytest.mark.parametrize(
    "body", [{f"k{n}": n for n in range(500)}, [5] * 500], ids=["one", "array"]
)
def test_a_hostile_body_is_told_of_some_flaws_only(body: object) -> None:
    with pytest.raises(InvalidEvents) as refused:
        read(json.dumps(body).encode(), max_batch=500, new_id=str)

    assert len(refused.value.errors) == 50
