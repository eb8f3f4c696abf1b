"""Each way in which a step can fail has words for people that say what to do."""

from datetime import timedelta

import pytest

from delivery.facts.hints import hint
from delivery.facts.outcome import Answer, Failure, NoAnswer

NOW = timedelta()
URL = "https://lrs.example.org/xapi"


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("step", ["resolve", "connect", "token", "statement"])
def test_no_way_of_not_answering_is_without_a_hint(step: str, failure: Failure) -> None:
    assert hint(step, NoAnswer(failure, "", NOW), URL).endswith(".")


@pytest.mark.parametrize(
    ("step", "status", "says"),
    [
        ("token", 200, "without an access token"),
        ("token", 302, "never followed"),
        ("token", 400, "Client Id, Client Secret or Authentication URL may be incorrect"),
        ("token", 401, "Client Id, Client Secret or Authentication URL may be incorrect"),
        ("token", 403, "Client Id, Client Secret or Authentication URL may be incorrect"),
        ("token", 404, "no token endpoint"),
        ("token", 405, "no POST"),
        ("token", 418, "Client Id, Client Secret or Authentication URL may be incorrect"),
        ("token", 429, "asks us to wait"),
        ("token", 500, "trouble of its own"),
        ("statement", 307, "never followed"),
        ("statement", 400, "its answer says why"),
        ("statement", 401, "does not take it"),
        ("statement", 403, "may not write"),
        ("statement", 404, "did you mean https://lrs.example.org/xapi/statements?"),
        ("statement", 405, "did you mean https://lrs.example.org/xapi/statements?"),
        ("statement", 409, "says something else"),
        ("statement", 413, "too large"),
        ("statement", 415, "no JSON"),
        ("statement", 418, "should say why"),
        ("statement", 422, "its answer says why"),
        ("statement", 503, "trouble of its own"),
    ],
)
def test_an_answer_says_what_may_be_wrong(step: str, status: int, says: str) -> None:
    assert says in hint(step, Answer(status, "", NOW), URL)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://lrs.example.org", "did you mean https://lrs.example.org/statements?"),
        (
            "https://lrs.example.org/a/?x=1",
            "did you mean https://lrs.example.org/a/statements?x=1?",
        ),
        ("https://lrs.example.org/a/statements/", "Ask whoever runs the server"),
    ],
)
def test_the_address_that_was_meant_is_guessed(url: str, says: str) -> None:
    assert says in hint("statement", Answer(404, "", NOW), url)
