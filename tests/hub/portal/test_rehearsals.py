"""The page that tests an integration: values that can be changed, steps, answers, hints."""

from ipaddress import IPv4Network

import pytest

from config.sandbox.server import Addresses
from config.sandbox.state import Sandbox
from tests.hub.api.conftest import LOOPBACK, Hub
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]


@pytest.fixture
def allowed() -> list[IPv4Network]:
    return [LOOPBACK]


@pytest.fixture
async def page(browser: Browser, keys: Keys, hub: Hub, addresses: Addresses) -> str:
    """Make an integration to the sandbox, sign in, and open the page; its path."""
    shown = await hub.integrate(
        statementUrl=addresses.statement_url,
        authenticationUrl=addresses.authentication_url,
        clientId="sandbox",
        clientSecret="sandbox-secret",
    )
    path = f"/portal/integrations/{shown}/test"
    await browser.sign_in(keys["acme"])
    await browser.go(path)
    return path


async def test_the_made_up_values_are_offered(browser: Browser, page: str) -> None:
    assert "Edit test xAPI statement values" in browser.text
    assert 'value="learner@example.org"' in browser.answer.text
    assert 'value="https://example.org/courses/example"' in browser.answer.text


async def test_each_step_and_the_answer_are_shown(
    browser: Browser, page: str, sandbox: Sandbox
) -> None:
    await browser.send(page)
    assert "It works" in browser.text
    assert "<details open>" not in browser.answer.text
    assert "Look up the name ok" in browser.text
    assert "The server's answer: HTTP 200" in browser.text
    assert sandbox.lrs.held == 1


async def test_values_that_were_changed_are_sent(
    browser: Browser, page: str, sandbox: Sandbox
) -> None:
    await browser.send(
        page,
        mailbox="ben@example.org",
        object="https://example.org/courses/7",
        title="On <Engines>",
        verb="http://adlnet.gov/expapi/verbs/passed",
        timestamp="2026-01-01T00:00:00Z",
    )
    assert "mailto:ben@example.org" in browser.text
    assert "courses/7" in browser.text
    assert '"en": "On <Engines>"' in browser.text
    assert "<details open>" in browser.answer.text
    assert "verbs/passed" in browser.text
    assert 'value="ben@example.org"' in browser.answer.text
    await browser.send(page, account="ann", homePage="https://sso.example.org")
    assert '"name": "ann"' in browser.text
    await browser.send(page, json='{"result": {"success": true}}')
    assert '"success": true' in browser.text
    assert sandbox.lrs.held == 3


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"verb": "passed"}, "/verb/id"),
        ({"json": "{"}, "is no JSON"),
        ({"json": "[1]"}, "must be one JSON object"),
        ({"json": "[" * 5000}, "is no JSON"),
    ],
)
async def test_what_cannot_be_sent_is_told_with_its_place(
    browser: Browser, page: str, sandbox: Sandbox, form: dict[str, str], told: str
) -> None:
    answer = await browser.send(page, **form)
    assert answer.status_code == 422
    assert told in browser.text
    assert sandbox.lrs.attempts == 0


async def test_a_failure_says_what_to_do(browser: Browser, page: str, sandbox: Sandbox) -> None:
    sandbox.change({"statements": 403})
    await browser.send(page)
    assert "It does not work yet" in browser.text
    assert "The client may not write statements" in browser.text
    assert "HTTP 403" in browser.text


async def test_a_test_changes_no_state_and_no_queue(
    browser: Browser, page: str, hub: Hub, sandbox: Sandbox
) -> None:
    path = page.replace("/portal", "/api").removesuffix("/test")
    before = (await hub.acme.get(path)).json()
    sandbox.change({"statements": 503})
    await browser.send(page)
    assert (await hub.acme.get(path)).json() == before
    assert (await hub.acme.get(f"{path}/attempts")).json()["items"] == []


async def test_whoever_may_only_read_sees_no_button(
    browser: Browser, keys: Keys, page: str
) -> None:
    browser.client.cookies.clear()
    await browser.sign_in(keys["reader"])
    await browser.go(page)
    assert "Edit test" not in browser.text
    assert (await browser.send(page)).status_code == 403
