"""What a template makes of an event is one completion, or told off with its place."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hub.conversion.reading import NoCompletion, read_completion
from hub.events.event import EventType, NewEvent
from hub.xapi.completion import Completion

STARTS = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEARNER = {"email": "ann@acme.example"}
COURSE = {"uri": "https://acme.example/courses/1"}


def an_event(*, ends_at: datetime | None = None, event_id: str = "ACME-1") -> NewEvent:
    return NewEvent(
        id=event_id,
        publisher_program_id="ACME",
        type=EventType.AI_COMP_SUCCESS,
        publisher_participant_id="ann",
        data="{}",
        starts_at=STARTS,
        ends_at=ends_at,
    )


def read(event: NewEvent | None = None, **members: object) -> Completion:
    row = json.dumps({"learner": LEARNER, "course": COURSE, **members})
    made = read_completion(row, event or an_event())
    assert isinstance(made, Completion), made
    return made


def test_the_id_is_the_events_however_long() -> None:
    longest = "ACME-" + "x" * 149

    assert read(an_event(event_id=longest)).id == longest


def test_a_completion_is_dated_by_the_template_or_the_end_or_the_start_of_the_event() -> None:
    ends_at = STARTS + timedelta(seconds=1, microseconds=5)
    given = read(an_event(ends_at=ends_at), completedAt="2020-01-01T00:00:00+01:00")

    assert given.completed_at == "2020-01-01T00:00:00+01:00"
    assert read(an_event(ends_at=ends_at)).completed_at == "2026-03-02T09:00:01.000005Z"
    assert read(an_event(ends_at=ends_at), completedAt="").completed_at.endswith("01.000005Z")
    assert read().completed_at == "2026-03-02T09:00:00Z"


def test_blanks_count_as_missing() -> None:
    made = read(
        learner={"email": "", "ssoId": "ann", "name": None},
        course={"uuid": "", "uri": COURSE["uri"]},
        verb="",
    )

    assert (made.learner.email, made.learner.sso_id) == (None, "ann")
    assert (made.course.uuid, made.verb) == (None, "completed")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"learner": {}}', "/learner must have an email or an ssoId; /course is missing"),
        ('{"learner": {"email": ""}, "course": {"uri": "x:y"}}', "/learner must have an email"),
        ('{"id": "", "learner": 1}', "/id must not be given, it comes from the EventId"),
        ('{"learner": "ann", "course": {"uri": "x:y"}}', "/learner must be an object"),
        ('{"learner": {"email": "a@b", "email": "c@d"}}', "/learner/email stands twice"),
        ("[]", "the completion must be one JSON object"),
        ("{", "the completion is not JSON"),
        ('{"learner": {"name": "\ud800"}}', "the completion is not UTF-8"),
        ('{"learner": {"name": "\\ud800"}}', "/learner/name has a lone surrogate"),
    ],
)
def test_what_is_no_completion_is_told_with_its_place(row: str, reason: str) -> None:
    made = read_completion(row, an_event())

    assert isinstance(made, NoCompletion)
    assert made.reason.startswith(reason)


def test_the_zone_of_an_event_is_said_where_it_is_not_utc() -> None:
    in_berlin = STARTS.astimezone(timezone(timedelta(hours=1)))

    assert read(an_event(ends_at=in_berlin)).completed_at == "2026-03-02T10:00:00+01:00"
