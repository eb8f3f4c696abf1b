"""What the time line says of each thing that can happen."""

from typing import Any

import pytest

from hub.portal.wording.turns import turn_of

AT, LATER = "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"


@pytest.mark.parametrize(
    ("turn", "tone", "words"),
    [
        ({"status": "flowing"}, "good", "Begun: statements are delivered"),
        ({"status": "flowing", "before": "down"}, "good", "Statements are delivered"),
        (
            {"status": "down", "before": "flowing", "reason": "HTTP 503: noon"},
            "bad",
            "The server is unavailable: 503 Service Unavailable",
        ),
        (
            {"status": "refused", "before": "down", "reason": "HTTP 403"},
            "bad",
            "The server refuses us: 403 Forbidden",
        ),
        ({"status": "disabled", "before": "flowing"}, "off", "Delivery is disabled"),
    ],
)
def test_a_change_of_status_is_told(turn: dict[str, Any], tone: str, words: str) -> None:
    found = turn_of({"kind": "status", "at": AT, **turn})

    assert (found.tone, found.words, found.stands) == (tone, words, True)


def test_a_status_that_is_over_says_until_when_it_stood() -> None:
    turn = {"kind": "status", "at": AT, "status": "down", "before": "flowing", "until": LATER}

    found = turn_of({**turn, "reason": "HTTP 503: noon"})

    assert (found.until, found.stands, found.said) == (LATER, False, "HTTP 503: noon")


@pytest.mark.parametrize(
    ("action", "changes", "words"),
    [
        ("created", {"name": {"before": None, "after": "x"}, "enabled": {"after": True}}, "Made"),
        ("changed", {"enabled": {"before": True, "after": False}}, "Changed: disabled"),
        ("changed", {"enabled": {"before": False, "after": True}}, "Changed: enabled"),
        (
            "changed",
            {"client_secret": "changed", "name": {}, "version": {}},
            "Changed: Client Secret, name",
        ),
        ("released", {"statements": 4812}, "Released parked statements: 4,812"),
        ("downloaded", {"queued": 3}, "Downloaded statements: 3"),
        ("thought_about", {}, "Thought_about"),
    ],
)
def test_a_deed_says_what_was_done_and_by_whom(
    action: str, changes: dict[str, Any], words: str
) -> None:
    found = turn_of({"kind": "deed", "at": AT, "by": "ann", "action": action, "changes": changes})

    assert (found.tone, found.words, found.by) == ("deed", words, "ann")
