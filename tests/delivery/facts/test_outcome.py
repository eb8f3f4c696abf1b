"""The table of outcomes, row by row."""

from datetime import timedelta

import pytest

from delivery.facts.outcome import (
    Accepted,
    Answer,
    Failure,
    IntegrationRefused,
    NoAnswer,
    Outcome,
    StatementRefused,
    TooMuch,
    Unavailable,
    describe,
    judge,
)

LATER = timedelta(seconds=90)


def an_answer(status: int, body: str = "words") -> Answer:
    return Answer(status, body, timedelta(seconds=1), LATER)


def outcome(status: int, *, count: int = 1, tried: bool = False) -> Outcome:
    return judge(an_answer(status), count=count, tried=tried)


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("tried", [True, False])
@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_any_2xx_is_accepted(status: int, count: int, tried: bool) -> None:  # noqa: FBT001 - a table
    assert outcome(status, count=count, tried=tried) == Accepted()


def test_a_409_on_a_statement_that_may_have_arrived_is_accepted() -> None:
    assert outcome(409, tried=True) == Accepted()


def test_any_other_409_on_one_statement_parks_it() -> None:
    assert outcome(409) == StatementRefused("HTTP 409: words")


@pytest.mark.parametrize("tried", [True, False])
@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_batch_that_is_refused_is_split(status: int, tried: bool) -> None:  # noqa: FBT001 - a table
    split = outcome(status, count=2, tried=tried)

    assert split == TooMuch(f"HTTP {status}: words", by_size=status == 413)


@pytest.mark.parametrize("status", [400, 402, 406, 411, 412, 413, 415, 418, 422, 431, 451, 499])
def test_a_4xx_on_one_statement_parks_it(status: int) -> None:
    assert outcome(status) == StatementRefused(f"HTTP {status}: words")


@pytest.mark.parametrize("status", [402, 406, 411, 412, 415, 418, 431, 451])
def test_any_other_4xx_on_a_batch_lets_each_statement_face_it_alone(status: int) -> None:
    assert outcome(status, count=50) == TooMuch(f"HTTP {status}: words", by_size=False)


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("status", [401, 403, 404, 405, 410])
def test_what_speaks_of_the_integration_refuses_it_whole(status: int, count: int) -> None:
    assert outcome(status, count=count) == IntegrationRefused(f"HTTP {status}: words")


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_refuses_the_integration(status: int, count: int) -> None:
    assert outcome(status, count=count) == IntegrationRefused(f"HTTP {status}: words")


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 507, 511, 599])
def test_what_passes_is_unavailable_and_says_when_to_come_back(status: int, count: int) -> None:
    assert outcome(status, count=count) == Unavailable(f"HTTP {status}: words", LATER)


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("failure", [f for f in Failure if f is not Failure.ADDRESS_REFUSED])
def test_no_answer_is_unavailable(failure: Failure, count: int) -> None:
    reply = NoAnswer(failure, "a sentence", timedelta(seconds=30))

    assert judge(reply, count=count, tried=False) == Unavailable(f"{failure}: a sentence")


@pytest.mark.parametrize("count", [1, 50])
def test_an_address_of_ours_that_is_refused_refuses_the_integration(count: int) -> None:
    reply = NoAnswer(Failure.ADDRESS_REFUSED, "10.0.0.1 is private", timedelta())

    assert judge(reply, count=count, tried=False) == IntegrationRefused("10.0.0.1 is private")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "HTTP 503"),
        ("  \r\n ", "HTTP 503"),
        ("maintenance\r\n  until\tnoon", "HTTP 503: maintenance until noon"),
        ("x" * 400, f"HTTP 503: {'x' * 300}"),
    ],
    ids=["empty", "blank", "lines", "long"],
)
def test_an_answer_is_described_in_one_line(body: str, words: str) -> None:
    assert describe(an_answer(503, body)) == words


def test_silence_is_described_too() -> None:
    reply = NoAnswer(Failure.TIMEOUT, "a sentence", timedelta())

    assert describe(reply) == "timeout: a sentence"
