"""Requests in the portal: listed, filtered, and one of them in full."""

import re
from dataclasses import replace

from delivery.facts.integration import IntegrationId
from tests.hub.api.conftest import Hub
from tests.hub.api.test_attempts import an_attempt
from tests.hub.api.test_operations import end
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]
EVIL = "<script>alert(1)</script>"


async def attempted(hub: Hub, *ids: str, **facts: object) -> str:
    """Write an attempt down; the path of its integration's requests."""
    integration = await hub.integrate()
    made = an_attempt(*ids, at=hub.clock(), **facts)  # type: ignore[arg-type]  # by name
    await hub.house.control.journal.add(IntegrationId(integration), [made])
    return f"/portal/integrations/{integration}/attempts"


async def test_requests_are_listed_and_filtered(browser: Browser, keys: Keys, hub: Hub) -> None:
    root = await attempted(hub, "one", "two", outcome="refused", status=400)
    await browser.sign_in(keys["reader"])

    await browser.go(root)
    assert "refused" in browser.text
    assert "700 bytes" in browser.text
    await browser.go(root, outcome="accepted")
    assert "No request fits the filter" in browser.text
    await browser.go(root, until="2026-03-02T09:00:00")
    assert "No request fits the filter" in browser.text
    for wrong in ({"status": "9"}, {"since": "yesterday"}):
        answer = await browser.go(root, **wrong)
        assert answer.text.count('aria-invalid="true"') == 1
        assert "1 field needs another look" in browser.text


async def test_one_request_is_shown_in_full(browser: Browser, keys: Keys, hub: Hub) -> None:
    integration = await hub.integrate()
    (statement,) = await end(hub, integration, 200)
    made = an_attempt(statement, "gone", at=hub.clock(), outcome="refused", status=400)
    await hub.house.control.journal.add(IntegrationId(integration), [made])
    root = f"/portal/integrations/{integration}/attempts"
    await browser.sign_in(keys["reader"])
    page = await browser.go(root)
    (path,) = re.findall(rf'href="({root}/[^"]+)"', page.text)

    await browser.go(path)

    for words in (
        "POST https://lrs.example.org/xapi/statements",
        "Authorization: Bearer ***",
        "HTTP 400",
        "Server: lrs",
        "what it said",
        "https://example.org/courses/1",
        "What it said is not kept any more",
    ):
        assert words in browser.text, words


async def test_without_request_or_answer_it_says_so(browser: Browser, keys: Keys, hub: Hub) -> None:
    ids = [str(number) for number in range(12)]
    root = await attempted(hub, *ids, outcome="unavailable", status=None)
    await browser.sign_in(keys["reader"])
    page = await browser.go(root)
    (path,) = re.findall(rf'href="({root}/[^"]+)"', page.text)

    await browser.go(path)

    assert "No answer came" in browser.text
    assert "2 more statements" in browser.text
    assert (await browser.go(f"{root}/7-0")).status_code == 404


async def test_what_a_server_answers_is_text(browser: Browser, keys: Keys, hub: Hub) -> None:
    integration = await hub.integrate()
    made = an_attempt("one", at=hub.clock(), outcome="refused", status=400)
    evil = replace(made, answer=EVIL, reason=EVIL, headers=(("X-Evil", EVIL),))
    await hub.house.control.journal.add(IntegrationId(integration), [evil])
    root = f"/portal/integrations/{integration}/attempts"
    await browser.sign_in(keys["reader"])
    page = await browser.go(root)
    assert EVIL not in page.text
    (path,) = re.findall(rf'href="({root}/[^"]+)"', page.text)

    assert EVIL not in (await browser.go(path)).text
    assert browser.answer.text.count("&lt;script&gt;") == 3
