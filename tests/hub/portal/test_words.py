"""What the pages say of states, lengths of time and numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.portal.wording.plain import (
    Day,
    age,
    brief,
    day_of,
    milliseconds,
    number,
    state_of,
    statements,
    written,
)

NOW = datetime(2026, 3, 2, 12, 24, tzinfo=UTC)
CALM: dict[str, Any] = {
    "status": "flowing",
    "since": None,
    "reason": None,
    "nextAttemptAt": None,
    "queued": 0,
    "parked": 0,
    "oldestQueuedAt": None,
    "lastDeliveredAt": None,
    "lastAlertAt": None,
}


def test_a_server_that_is_down_is_told_whole() -> None:
    health = {
        "status": "down",
        "reason": "HTTP 503",
        "since": "2026-03-02T09:12:00Z",
        "nextAttemptAt": "2026-03-02T12:24:23Z",
        "queued": 4812,
        "oldestQueuedAt": "2026-03-02T09:12:00Z",
    }
    assert state_of({"health": {**CALM, **health}}, NOW, {"seconds": 40}).sentence == (
        "Waiting for the customer's server: 503 Service Unavailable since 09:12 UTC; the next "
        "attempt is in 23 s; 4,812 statements wait, the oldest for 3 h 12 min; about 40 s to catch "
        "up once it answers."
    )


@pytest.mark.parametrize(
    ("health", "word", "tone"),
    [
        ({}, "flowing", "good"),
        ({"parked": 3}, "flowing", "waits"),
        ({"status": "down", "reason": "x"}, "down", "bad"),
        ({"status": "refused", "reason": "x"}, "refused", "bad"),
        ({"status": "disabled"}, "disabled", "off"),
    ],
)
def test_every_state_has_a_word_a_colour_and_what_to_do(
    health: dict[str, object], word: str, tone: str
) -> None:
    found = state_of({"health": {**CALM, **health}}, NOW)

    assert (found.word, found.tone) == (word, tone)
    assert found.sentence
    assert bool(found.advice) is (tone != "good")


WAITS = {"queued": 2, "oldestQueuedAt": "2026-03-02T12:23:00Z"}
SINCE = {"since": "2026-03-01T09:12:00Z"}


@pytest.mark.parametrize(
    ("health", "seconds", "sentence"),
    [
        ({}, 0, "Statements are delivered as they come; nothing waits."),
        (
            WAITS,
            40,
            (
                "Statements are delivered as they come; 2 statements wait, the oldest for 1 min; "
                "about 40 s to catch up."
            ),
        ),
        (
            {"parked": 1},
            None,
            "Statements are delivered; 1 statement was refused and set aside.",
        ),
        (
            {"status": "refused", "reason": "HTTP 403: no", **WAITS, "queued": 1, **SINCE},
            None,
            (
                "The server refuses us: 403 Forbidden since 2026-03-01 09:12 UTC; 1 statement "
                "waits, for 1 min; how long catching up takes once that is put right is not known "
                "yet."
            ),
        ),
        (
            {"status": "disabled", **WAITS},
            7200,
            (
                "Somebody disabled it; 2 statements wait, the oldest for 1 min; about 2 h to catch "
                "up once it is enabled."
            ),
        ),
        (
            {"status": "down", "reason": "timeout: 30 s", "nextAttemptAt": "2026-03-02T12:23:00Z"},
            None,
            "Waiting for the customer's server: timeout; the next attempt is now.",
        ),
    ],
)
def test_each_state_is_told_in_a_sentence(
    health: dict[str, object], seconds: int | None, sentence: str
) -> None:
    found = state_of({"health": {**CALM, **health}}, NOW, {"seconds": seconds})

    assert found.sentence == sentence


def test_moments_of_a_sentence_can_be_kept_true() -> None:
    health = {"status": "down", "reason": "x", "nextAttemptAt": "2026-03-02T12:25:00Z"}

    pieces = state_of({"health": {**CALM, **health, **WAITS, **SINCE}}, NOW).pieces

    assert [(piece.text, piece.tell) for piece in pieces if piece.at] == [
        ("2026-03-01 09:12 UTC", "clock"),
        ("in 1 min", "until"),
        ("1 min", "age"),
    ]


def test_all_that_the_server_said_is_kept_where_it_is_more() -> None:
    health = {"status": "down", "reason": "HTTP 503: back at noon"}

    assert state_of({"health": {**CALM, **health}}, NOW).said == "HTTP 503: back at noon"
    assert state_of({"health": {**CALM, **health, "reason": "timeout"}}, NOW).said == ""


def test_what_cannot_be_told_is_said() -> None:
    assert state_of({"health": None}, NOW).word == "unknown"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (11520, "3 h 12 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_lengths_of_time_have_two_units(seconds: float, written: str) -> None:
    assert age(timedelta(seconds=seconds)) == written


def test_numbers_have_separators_and_one_is_one() -> None:
    assert number(1234567) == "1,234,567"
    assert statements(1, "waits", "wait") == "1 statement waits"
    assert statements(2000, "waits", "wait") == "2,000 statements wait"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("HTTP 503: come back later", "503 Service Unavailable"),
        ("HTTP 599", "HTTP 599"),
        ("the connection was refused: lrs.example.org", "the connection was refused"),
        (None, ""),
    ],
)
def test_a_reason_is_told_in_a_few_words(reason: str | None, told: str) -> None:
    assert brief(reason) == told


def test_json_is_written_for_people() -> None:
    assert written({"name": "Jürgen <3"}) == '{\n  "name": "Jürgen <3"\n}'


def test_a_day_is_told_in_pairs_and_in_words() -> None:
    hours = [{"delivered": 1200, "failed": 0}, {"delivered": 4, "failed": 1}]
    told = "1,204 delivered, 1 failure in the last 24 hours"
    assert day_of(hours) == Day([(1200, 0), (4, 1)], told)
    assert day_of([{"delivered": 0, "failed": 2}]).words.startswith("0 delivered, 2 failures")


@pytest.mark.parametrize(
    ("length", "told"),
    [(None, ""), (0, "0 ms"), (999, "999 ms"), (1240, "1.2 s"), (60_000, "1 min")],
)
def test_short_times_have_their_unit(length: float | None, told: str) -> None:
    assert milliseconds(length) == told
