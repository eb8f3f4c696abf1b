"""The pages of events: lists, filters, one event and what becomes of it, deleting one."""

import re
from html import unescape
from urllib.parse import parse_qsl, quote

from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser
from tests.hub.portal.learning import ROOT, publish, subscribe

Keys = dict[str, str]
EVIL = "<script>alert(1)</script>"
CONVERSION = {"Template": '{"learner": {"email": "{{email}}"}, "course": {"uri": "{{uri}}"}}'}


async def test_what_a_program_published_is_listed_newest_first(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["other"])
    await browser.go(f"{ROOT}/events")
    assert "OTHER has published nothing yet." in browser.text
    for number in range(55):
        await publish(hub, f"OTHER-{number}")

    first = await browser.go(f"{ROOT}/events")
    assert first.text.index(">OTHER-54<") < first.text.index(">OTHER-5<")
    assert ">OTHER-4<" not in first.text
    (following,) = re.findall(r'rel="next" href="\?([^"]+)"', first.text)
    rest = await browser.go(f"{ROOT}/events", **dict(parse_qsl(unescape(following))))
    assert ">OTHER-4<" in rest.text
    assert ">OTHER-5<" not in rest.text
    assert 'rel="prev" href="?of=published">Later<' in rest.text


async def test_events_are_filtered(browser: Browser, keys: Keys, hub: Hub) -> None:
    await subscribe(hub)
    await publish(hub, "OTHER-1", EventType="AI_STARTED")
    await publish(hub, "OTHER-2", PublisherEventCategory="WORK")
    await browser.sign_in(keys["reader"])

    async def found(**query: str) -> list[str]:
        page = await browser.go(f"{ROOT}/events", of="subscribed", **query)
        assert page.status_code == 200, browser.text
        return re.findall(r">(OTHER-\d+)<", page.text)

    assert await found() == ["OTHER-2", "OTHER-1"]
    assert await found(type="AI_STARTED") == ["OTHER-1"]
    assert await found(category="WORK", publisher="OTHER") == ["OTHER-2"]
    assert await found(since="2999-01-01T00:00") == []
    assert "No event fits the filter." in browser.text
    assert len(await found(until="2999-01-01T00:00:00")) == 2
    answer = await browser.go(f"{ROOT}/events", of="subscribed", publisher="NOBODY")
    assert answer.status_code == 404
    assert "is not subscribed to NOBODY" in browser.text
    answer = await browser.go(f"{ROOT}/events", since="yesterday")
    assert answer.status_code == 422
    assert "the query parameter since" in browser.text


async def test_an_empty_list_says_what_to_do(browser: Browser, keys: Keys, hub: Hub) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/events", of="subscribed")
    assert "ACME is subscribed to nobody." in browser.text
    assert "Heuristics staff subscribe programs" in browser.text
    await subscribe(hub)
    await browser.go(f"{ROOT}/events", of="subscribed")
    assert "Its publishers have published nothing yet." in browser.text


async def test_one_event_is_shown_with_its_data_as_text(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    event_id = "OTHER-1/<b>&?"
    await subscribe(hub)
    await publish(hub, event_id, PublisherEventData={"evil": EVIL, "ä": 97.5})
    await browser.sign_in(keys["other"])
    listed = await browser.go(f"{ROOT}/events")
    assert f"event?id={quote(event_id, safe='/')}" in listed.text

    shown = await browser.go(f"{ROOT}/event", id=event_id)
    assert shown.status_code == 200
    assert EVIL not in shown.text
    assert EVIL in browser.text
    assert '"ä": 97.5' in browser.text
    assert "Who receives it ACME" in browser.text


async def test_a_subscriber_sees_what_becomes_of_an_event(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await subscribe(hub)
    await publish(hub, "OTHER-1")
    await publish(hub, "OTHER-2", PublisherEventCategory="WORK")
    await browser.sign_in(keys["reader"])

    await browser.go(f"{ROOT}/event", id="OTHER-1")
    assert "The next sync of ACME sends it to LearningBuilder, process 7" in browser.text
    assert "Who receives it" not in browser.text
    assert "Delete" not in browser.text
    await browser.go(f"{ROOT}/event", id="OTHER-2")
    assert "The templates of ACME ignore events of this category." in browser.text
    hub.clock.move(minutes=1)
    await hub.system.patch(
        "/api/programs/ACME/eventSubs/OTHER", json={"LastSyncUtc": hub.clock().isoformat()}
    )
    await browser.go(f"{ROOT}/event", id="OTHER-1")
    assert "The sync of ACME has gone past it" in browser.text


async def test_a_stranger_finds_no_event(browser: Browser, keys: Keys, hub: Hub) -> None:
    await publish(hub, "OTHER-1")
    await browser.sign_in(keys["acme"])
    for path in (f"{ROOT}/event", f"{ROOT}/event/delete"):
        assert (await browser.go(path, id="OTHER-1")).status_code == 404, path
        assert (await browser.go(path)).status_code == 404, path
    await browser.go(f"{ROOT}/program/edit")
    assert (await browser.send(f"{ROOT}/event/delete?id=OTHER-1")).status_code == 404


async def test_an_event_tells_whether_it_became_a_completion(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    data = {"email": "a@example.org", "uri": "https://example.org/1"}
    await publish(hub, "ACME-1", PublisherEventData=data)
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/event", id="ACME-1")
    assert "The conversion has gone past it" not in browser.text
    await hub.acme.put("/api/programs/ACME/eventCompletions", json=CONVERSION)
    await publish(hub, "ACME-2", PublisherEventData=data)

    await browser.go(f"{ROOT}/event", id="ACME-1")
    assert "The conversion has gone past it" in browser.text
    await browser.go(f"{ROOT}/event", id="ACME-2")
    assert "It is about to be made into statements." in browser.text


async def test_an_event_is_deleted_after_a_question(browser: Browser, keys: Keys, hub: Hub) -> None:
    await publish(hub, "OTHER-1")
    await browser.sign_in(keys["other"])
    await browser.go(f"{ROOT}/event/delete", id="OTHER-1")
    assert "those who have not never get it" in browser.text

    await browser.send(f"{ROOT}/event/delete?id=OTHER-1")
    assert "The event is deleted." in browser.text
    assert (await hub.system.get("/api/events/OTHER-1")).status_code == 404
