"""What was refused, in the portal: listed, looked for, released and discarded after a count."""

import re
from datetime import timedelta

import pytest

from hub.portal.wording.advice import ADVICE, OTHERWISE, advice
from tests.hub.api.conftest import Hub
from tests.hub.api.test_operations import end
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]
IDS = re.compile(r'name="id" value="([^"]+)"')


async def parked(hub: Hub, *statuses: int) -> tuple[str, str, list[str]]:
    """Park a statement for each status; the API's path, the page's, and their ids."""
    integration = await hub.integrate()
    ids = await end(hub, integration, *statuses)
    path = f"/api/integrations/{integration}"
    return path, f"/portal/integrations/{integration}/parked", ids


async def left(hub: Hub, path: str) -> int:
    return len((await hub.acme.get(f"{path}/parked")).json()["items"])


async def test_what_was_refused_is_listed_with_the_servers_words(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    _, root, _ = await parked(hub, 400, 422)
    await browser.sign_in(keys["acme"])

    await browser.go(root)
    assert "it said" in browser.text
    assert "What helps against" not in browser.text
    await browser.go(root, status="422")
    assert "What helps against 422" in browser.text
    assert "Release all that the filter means" in browser.text
    await browser.go(root, words="IT SAID")
    assert len(IDS.findall(browser.answer.text)) == 2
    assert "Release all" not in browser.text
    await browser.go(root, since="2026-03-02T09:01:00")
    assert len(IDS.findall(browser.answer.text)) == 1
    await browser.go(root, words="nobody said so")
    assert "Nothing parked fits the filter" in browser.text


async def test_where_nothing_is_parked_it_says_so(browser: Browser, keys: Keys, hub: Hub) -> None:
    root = f"/portal/integrations/{await hub.integrate()}/parked"
    await browser.sign_in(keys["acme"])
    await browser.go(root)
    assert "Nothing is parked." in browser.text


@pytest.mark.parametrize("verb", ["release", "discard"])
@pytest.mark.parametrize(
    ("chosen", "count", "rest"),
    [({"all": "yes"}, "3 statements", 0), ({"id": ""}, "1 statement", 2)],
    ids=["all", "one"],
)
async def test_statements_are_counted_and_then_it_is_done(
    browser: Browser,
    keys: Keys,
    hub: Hub,
    verb: str,
    chosen: dict[str, str],
    count: str,
    rest: int,
) -> None:
    path, root, ids = await parked(hub, 400, 422, 422)
    chosen = {name: value or ids[1] for name, value in chosen.items()}
    await browser.sign_in(keys["acme"])

    await browser.go(f"{root}/sure", verb=verb, **chosen)
    assert f"{verb.capitalize()} {count}?" in browser.text
    assert 'class="modal"' in browser.answer.text
    assert await left(hub, path) == 3
    done = await browser.send(root, verb=verb, **chosen)

    assert done.url.path == root
    assert f"{count} {'is' if count == '1 statement' else 'are'} {verb}" in browser.text
    # All are released by a mark, which the next drain works off.
    assert await left(hub, path) == (3 if verb == "release" and "all" in chosen else rest)


async def test_those_that_were_ticked_are_meant_and_no_others(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    path, root, ids = await parked(hub, 400, 422, 422)
    await browser.sign_in(keys["acme"])
    await browser.go(root)
    assert set(IDS.findall(browser.answer.text)) == set(ids)

    answer = await browser.client.get(f"{root}/sure?verb=discard&id={ids[0]}&id={ids[2]}")
    assert "Discard 2 statements?" in answer.text
    assert set(IDS.findall(answer.text)) == {ids[0], ids[2]}
    (token,) = set(re.findall(r'name="csrf" value="([^"]+)"', answer.text))
    body = f"csrf={token}&verb=discard&id={ids[0]}&id={ids[2]}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    await browser.client.post(root, content=body, headers=form)

    (kept,) = (await hub.acme.get(f"{path}/parked")).json()["items"]
    assert kept["statementId"] == ids[1]


async def test_those_of_a_filter_become_work_that_is_watched(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    _, root, _ = await parked(hub, 400, 422, 422)
    await browser.sign_in(keys["acme"])
    chosen = {"status": "422", "since": "2026-03-02T09:00:00"}

    await browser.go(f"{root}/sure", verb="discard", **chosen)
    assert "Discard 2 statements?" in browser.text
    done = await browser.send(root, verb="discard", **chosen)

    assert done.url.path == root.replace("/parked", "/replays")
    assert "Discarding 2 statements" in browser.text


async def test_among_very_many_the_count_comes_after_the_page(
    browser: Browser, keys: Keys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.portal.pages.queues.parked.COUNTED_AT_ONCE", 2)
    _, root, _ = await parked(hub, 400, 422, 422)
    await browser.sign_in(keys["acme"])

    page = await browser.go(f"{root}/sure", verb="release", status="422")
    assert "Release these statements?" in browser.text
    (asked,) = re.findall(r'hx-get="([^"]+/parked/count[^"]*)"', page.text)
    counted = await browser.client.get(asked.replace("&amp;", "&"))
    assert "2 statements are" in counted.text


async def test_counting_ends_where_it_would_take_too_long(
    browser: Browser, keys: Keys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.api.parked.COUNTING", timedelta())
    monkeypatch.setattr("delivery.operations.COUNTED_AT_ONCE", 2)
    path, root, _ = await parked(hub, 422, 422, 422)
    await browser.sign_in(keys["acme"])

    await browser.go(f"{root}/sure", verb="release", status="422")
    assert "Release at least 2 statements?" in browser.text
    chosen = {"status": 422, "dryRun": True}
    told = (await hub.acme.post(f"{path}/parked/release", json=chosen)).json()
    assert told == {"released": 2, "atLeast": True}
    done = (await hub.acme.post(f"{path}/parked/release", json={"status": 422})).json()
    assert done["released"] == 3
    assert "atLeast" not in done


async def test_nothing_chosen_and_nothing_to_do_are_told(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    _, root, ids = await parked(hub, 400)
    await browser.sign_in(keys["acme"])

    assert (await browser.go(f"{root}/sure", verb="release")).status_code == 422
    assert "tick the statements that you mean" in browser.text
    assert (await browser.go(f"{root}/sure", verb="burn", all="yes")).status_code == 422
    assert (await browser.go(f"{root}/sure", verb="release", status="x")).status_code == 422
    await browser.go(f"{root}/sure", verb="release", id=ids[0])
    await browser.send(root, verb="release", id=ids[0])
    await browser.go(f"{root}/sure", verb="release", id=ids[0])
    assert "Release nothing?" in browser.text


async def test_whoever_may_only_read_is_asked_nothing(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    _, root, ids = await parked(hub, 400)
    await browser.sign_in(keys["reader"])

    page = await browser.go(root)
    assert "checkbox" not in page.text
    assert "Release" not in browser.text
    assert (await browser.go(f"{root}/sure", verb="release", id=ids[0])).status_code == 403


async def test_a_search_that_found_nothing_yet_can_go_on(
    browser: Browser, keys: Keys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.stores.parked.MOST_SOUGHT", 2)
    monkeypatch.setattr("delivery.stores.parked.SOUGHT_AT_ONCE", 2)
    _, root, _ = await parked(hub, 400, 422, 422)
    await browser.sign_in(keys["acme"])

    page = await browser.go(root, status="400")
    assert "among the 2 that were looked at" in browser.text
    (further,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    answer = await browser.client.get(root + further.replace("&amp;", "&"))
    assert len(IDS.findall(answer.text)) == 1


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_the_usual_refusals_have_advice_of_their_own(status: int) -> None:
    assert advice(status) == ADVICE[status] != OTHERWISE
    assert advice(status).endswith(".")


@pytest.mark.parametrize("status", [None, 418, 499])
def test_for_any_other_the_servers_words_are_pointed_at(status: int | None) -> None:
    assert advice(status) == OTHERWISE
