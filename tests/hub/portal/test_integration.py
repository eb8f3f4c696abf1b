"""The page of one integration: how it stands, how it went, what happened, whom that was told."""

import json
import re
from datetime import timedelta
from html import unescape

import orjson
import pytest

from delivery.facts.integration import IntegrationId
from delivery.facts.times import to_ms
from delivery.stores.keys import Keys
from tests.hub.api.conftest import Hub, a_statement
from tests.hub.api.test_histories import a_uuid, note
from tests.hub.portal.conftest import Browser

EVIL = "<script>alert('\"')</script>"
SENTENCE = re.compile(r'<section id="stands".*?</span> (.*?)</p>', re.DOTALL)
PLOTS = re.compile(r'data-plots="([^"]*)"')


async def be_down(hub: Hub, integration: str, *, reason: str = "HTTP 503: back at noon") -> None:
    """Let the server of an integration be unavailable for three hours, with one waiting."""
    path = f"/api/integrations/{integration}/statements"
    await hub.acme.post(path, json={**a_statement(), "id": a_uuid(1)})
    since = hub.clock()
    hub.clock.move(hours=3)
    state: dict[str, str | int] = {
        "status": "down",
        "since": to_ms(since),
        "reason": reason,
        "next": to_ms(hub.clock() + timedelta(seconds=23)),
    }
    words = [word for pair in state.items() for word in pair]
    await hub.house.control.store.ask(("HSET", Keys(IntegrationId(integration)).state, *words))


async def be_mailed(hub: Hub, integration: str, **facts: object) -> None:
    """Let a mail have gone now."""
    keys = Keys(IntegrationId(integration))
    mail = {
        "at": to_ms(hub.clock()),
        "to": ["ops@example.org"],
        "subject": "Acme to the LMS: the server is down",
        "kind": "down",
        "error": None,
        **facts,
    }
    await hub.house.control.store.ask(
        ("LPUSH", keys.mails, orjson.dumps(mail)),
        ("HSET", keys.state, "alerted", to_ms(hub.clock())),
    )


async def test_a_server_that_is_down_is_told_in_one_sentence_with_what_to_do(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    await be_down(hub, integration)
    await note(hub, integration, 40, took=timedelta(seconds=80))
    await browser.sign_in(keys["acme"])

    await browser.go(f"/portal/integrations/{integration}")

    sentence = SENTENCE.search(browser.answer.text)
    assert sentence
    assert unescape(re.sub(r"<[^>]+>", "", sentence[1])) == (
        "Waiting for the customer's server: 503 Service Unavailable since 09:00 UTC; the next "
        "attempt is in 23 s; 1 statement waits, for 3 h; about 2 s to catch up once it answers."
    )
    assert "The server said: HTTP 503: back at noon" in browser.text
    assert "What to do: Nothing has to be done here" in browser.text
    assert 'data-tell="until">in 23 s</time>' in browser.answer.text


async def test_the_state_alone_is_kept_true(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    await be_down(hub, integration)
    await browser.sign_in(keys["reader"])

    await browser.go(f"/portal/integrations/{integration}/state")

    assert browser.answer.text.strip().startswith('<section id="stands"')
    assert "is not known yet" in browser.text


async def test_how_it_went_is_plotted_and_stands_in_a_table(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    await note(hub, integration, 1234)
    await browser.sign_in(keys["reader"])

    answer = await browser.go(f"/portal/integrations/{integration}", span="7d")

    found = PLOTS.search(answer.text)
    assert found
    plotted = json.loads(unescape(found[1]))
    assert (plotted["step"], len(plotted["at"])) == (3600, 168)
    assert plotted["delivered"][-2:] == [0, 1234]
    assert answer.text.count('<th scope="row">') == 168
    assert "1,234" in browser.text
    assert 'aria-current="true">7 days' in answer.text


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("1h", "1 hour"),
        ("24h", "24 hours"),
        ("30d", "30 days"),
        ("", "24 hours"),
        ("x", "24 hours"),
    ],
)
async def test_the_span_is_chosen_by_a_link(
    hub: Hub, browser: Browser, keys: dict[str, str], asked: str, shown: str
) -> None:
    integration = await hub.integrate()
    await browser.sign_in(keys["reader"])

    answer = await browser.go(f"/portal/integrations/{integration}", span=asked)

    assert f'aria-current="true">{shown}' in answer.text
    assert f"nothing waited, in the last {shown}" in browser.text
    assert "data-plots" not in answer.text


async def test_the_time_line_tells_what_happened_and_who_did_it(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    for status in ("disabled", "active"):
        hub.clock.move(minutes=90)
        await hub.acme.patch(f"/api/integrations/{integration}", json={"status": status})
    await browser.sign_in(keys["reader"])

    await browser.go(f"/portal/integrations/{integration}")

    assert "Delivery is disabled 2026-03-02 10:30:00 UTC · for 1 h 30 min" in browser.text
    assert "Changed: disabled 2026-03-02 10:30:00 UTC · by acme" in browser.text
    assert "Begun: statements are delivered" in browser.text


async def test_the_whole_time_line_has_pages(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    for n in range(30):
        hub.clock.move(minutes=1)
        status = "active" if n % 2 else "disabled"
        await hub.acme.patch(f"/api/integrations/{integration}", json={"status": status})
    await browser.sign_in(keys["reader"])

    first = await browser.go(f"/portal/integrations/{integration}/timeline")
    (following,) = re.findall(r"href=\"([^\"]+)\">Earlier", first.text)
    hidden = "Begun" not in browser.text
    second = await browser.go(f"/portal/integrations/{integration}/timeline{unescape(following)}")

    assert hidden
    assert "Begun: statements are delivered" in browser.text
    assert "Page 2" in browser.text
    assert '<a rel="prev" href="?">Later</a>' in second.text


async def test_mails_are_told_and_when_the_next_one_may_go(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    await browser.sign_in(keys["reader"])
    await browser.go(f"/portal/integrations/{integration}")
    before = browser.text
    await be_mailed(hub, integration)
    await be_mailed(hub, integration, error="550 no such user")

    await browser.go(f"/portal/integrations/{integration}")
    after = browser.text
    await browser.go(f"/portal/integrations/{integration}/mails")

    assert "No mail was sent yet" in before
    assert "They go to ops@example.org." in after
    assert "2026-03-03 09:00:00 UTC ), if something is wrong then." in after
    assert "Acme to the LMS: the server is down" in after
    assert "The mail server refused it: 550 no such user" in browser.text


async def test_what_waits_can_be_downloaded(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    await be_down(hub, integration)
    await browser.sign_in(keys["reader"])
    page = await browser.go(f"/portal/integrations/{integration}")
    path = f"/portal/integrations/{integration}/queue/download"

    answer = await browser.go(path)

    assert path in page.text
    assert orjson.loads(answer.content)["statementId"] == a_uuid(1)
    assert answer.headers["content-type"] == "application/jsonl"
    assert "attachment" in answer.headers["content-disposition"]
    assert (await browser.go(path.replace("queue", "parked"))).content == b""


async def test_what_a_stranger_may_not_see_is_not_there(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    await browser.sign_in(keys["other"])

    for page in ("", "/state", "/timeline", "/mails", "/queue/download", "/parked/download"):
        answer = await browser.go(f"/portal/integrations/{integration}{page}")
        assert answer.status_code == 404


async def test_a_key_that_only_reads_sees_no_button_that_writes(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate()
    await browser.sign_in(keys["reader"])

    answer = await browser.go(f"/portal/integrations/{integration}")

    assert "Disable" not in browser.text
    assert f"/portal/integrations/{integration}/delete" not in answer.text


async def test_markup_in_what_servers_say_is_shown_as_text(
    hub: Hub, browser: Browser, keys: dict[str, str]
) -> None:
    integration = await hub.integrate(name=EVIL)
    await be_down(hub, integration, reason=f"HTTP 503: {EVIL}")
    await be_mailed(hub, integration, subject=EVIL, error=EVIL)
    await browser.sign_in(keys["reader"])

    answer = await browser.go(f"/portal/integrations/{integration}")

    assert EVIL not in answer.text
    assert EVIL in browser.text
    for page in ("timeline", "mails"):
        assert EVIL not in (await browser.go(f"/portal/integrations/{integration}/{page}")).text
