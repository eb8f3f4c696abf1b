"""One statement in the portal: where it is, what it says, what happened to it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from delivery.facts.integration import IntegrationId
from hub.portal.wording.telling import happened, place_of, pretty, size
from tests.hub.api.conftest import Hub, a_statement
from tests.hub.api.test_attempts import an_attempt
from tests.hub.api.test_operations import end
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]
EVIL = "<script>alert(1)</script>"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def test_a_parked_statement_is_told_with_its_story(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integration = await hub.integrate()
    (statement,) = await end(hub, integration, 422)
    made = an_attempt(
        statement, at=hub.clock() - timedelta(minutes=1), outcome="refused", status=422
    )
    await hub.house.control.journal.add(IntegrationId(integration), [made])
    root = f"/portal/integrations/{integration}"
    await browser.sign_in(keys["acme"])

    await browser.go(f"{root}/find", id=statement.upper())
    for words in (
        "It was refused and set aside: 422 Unprocessable Entity.",
        "a learner or a course that it does not know",
        "What the server said",
        "Accepted into the queue",
        "Sent: refused, HTTP 422",
        "https://example.org/courses/1",
    ):
        assert words in browser.text, words
    assert f"{root}/parked/sure?verb=release&amp;id={statement}" in browser.answer.text

    await browser.go(f"{root}/parked/sure", verb="release", id=statement)
    hub.clock.move(minutes=1)
    await browser.send(f"{root}/parked", verb="release", id=statement)
    await browser.go(f"{root}/find", id=statement)
    assert "It is the next to go" in browser.text
    assert "Released , by acme" in browser.text or "Released, by acme" in browser.text


async def test_whoever_may_only_read_finds_without_buttons(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integration = await hub.integrate()
    (statement,) = await end(hub, integration, 422)
    await browser.sign_in(keys["reader"])

    page = await browser.go(f"/portal/integrations/{integration}/find", id=statement)

    assert "verb=release" not in page.text


async def test_a_statement_that_nobody_knows_is_told(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["reader"])

    for wanted in (str(uuid4()), "x", "a/b", EVIL):
        answer = await browser.go(f"{root}/find", id=wanted)
        assert answer.status_code == 200
        assert "Nothing is known here" in browser.text
        assert EVIL not in answer.text
        answer = await browser.go("/portal/find", id=wanted)
        assert answer.status_code == 200
        assert EVIL not in answer.text


async def test_a_statement_is_found_in_all_integrations_of_the_program(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integrations = [await hub.integrate(status="disabled")]
    integrations.append(await hub.integrate("sso", name="By SSO", status="disabled"))
    once, twice = str(uuid4()), str(uuid4())
    for integration, ids in ((integrations[0], [twice]), (integrations[1], [once, twice])):
        path = f"/api/integrations/{integration}/statements"
        for id_ in ids:
            account = {"homePage": "https://acme.example", "name": "ann"}
            sent = await hub.acme.post(path, json=a_statement(id=id_, actor={"account": account}))
            assert sent.status_code == 202, sent.text
    await browser.sign_in(keys["reader"])

    await browser.go("/portal/integrations")
    assert 'href="/portal/find"' in browser.answer.text
    await browser.go("/portal/find")
    assert "Looks in all integrations of ACME" in browser.text
    found = await browser.go("/portal/find", id=once)
    assert found.url.path == f"/portal/integrations/{integrations[1]}/find"
    assert "waits" in browser.text
    await browser.go("/portal/find", id=twice)
    assert "Acme to the LMS" in browser.text
    assert "By SSO" in browser.text
    await browser.go("/portal/find", id=str(uuid4()))
    assert "None of the 2 integrations that were looked at knows it" in browser.text


AT_ONCE = "statements of this integration at once, this one perhaps among them"
WAITING = {"lane": "queue", "before": 0, "waiting": 1, "operationId": None}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"waiting": WAITING}, "It is the next to go. It goes out in its turn."),
        ({"waiting": {**WAITING, "before": 3, "waiting": 4812}}, "number 4 of 4,812"),
        ({"waiting": {**WAITING, "before": None, "waiting": 4812}}, "More than 100 of 4,812"),
        ({"waiting": {**WAITING, "lane": "back"}}, "once nothing else waits"),
        ({"waiting": None}, "It waits."),
        ({"waiting": WAITING, "attempts": 2, "lastAnswer": "HTTP 503: x"}, "tried 2 times"),
        ({"state": "parked", "parked": None}, "the server refused it"),
        ({"state": "delivered", "attempts": 1}, "after 1 request."),
        ({"state": "discarded"}, "It was given up"),
    ],
)
def test_where_a_statement_is_in_plain_words(found: dict[str, Any], words: str) -> None:
    facts = {"state": "queued", "attempts": 0, "lastAnswer": None, "waiting": None, **found}

    assert words in place_of(facts).sentence


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"what": "released", "statements": 1, "certain": True}, "Released"),
        (
            {"what": "purged", "statements": 1200, "certain": False},
            f"What waited was thrown away: 1,200 {AT_ONCE}",
        ),
        (
            {
                "what": "attempted",
                "statements": 3,
                "attempt": {"outcome": "unavailable", "status": None, "reason": "timeout: x"},
            },
            "Sent with 2 others: unavailable, timeout",
        ),
    ],
)
def test_what_happened_in_plain_words(one: dict[str, Any], words: str) -> None:
    assert happened(one) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 KB"), (2.5e9, "2.5 GB"), (5e15, "5000.0 TB")],
)
def test_sizes_in_plain_words(count: float, words: str) -> None:
    assert size(count) == words


def test_a_very_long_statement_is_cut() -> None:
    assert pretty({"a": "ü"}) == '{\n  "a": "ü"\n}'
    assert "more characters" in pretty({"a": "b" * 100_000})
