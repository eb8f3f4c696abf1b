"""Sending again, in the portal: counted with size and time, watched, paused, cancelled."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from hub.portal.wording.telling import progress_of
from tests.hub.api.conftest import Hub
from tests.hub.api.test_operations import end
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def test_what_is_to_be_sent_again_is_counted_first(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integration = await hub.integrate()
    await end(hub, integration, 200, 200)
    root = f"/portal/integrations/{integration}/replays"
    await browser.sign_in(keys["acme"])
    await browser.go(root)

    await browser.send(root, since="2026-03-02T09:00:00", until="", outcome="delivered", status="")
    assert "Send 2 statements again?" in browser.text
    assert "how long it takes cannot be told" in browser.text
    await browser.send(root, since="2026-03-02T09:01:00Z", outcome="delivered", sure="yes")

    assert "Sending again 1 statement" in browser.text
    assert "running" in browser.text
    assert "by acme" in browser.text


async def test_earlier_work_is_on_further_pages(
    browser: Browser, keys: Keys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.portal.visit.SHOWN", 1)
    integration = await hub.integrate()
    await end(hub, integration, 200, 200)
    for since in ("2026-03-02T09:00:00Z", "2026-03-02T09:01:00Z"):
        hub.clock.move(minutes=1)
        path = f"/api/integrations/{integration}/replays"
        assert (await hub.acme.post(path, json={"since": since})).status_code == 202
    root = f"/portal/integrations/{integration}/replays"
    await browser.sign_in(keys["reader"])

    first = await browser.go(root)
    assert "Sending again 1 statement" in browser.text
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = await browser.go(f"{root}{unescape(following)}")
    assert "Sending again 2 statements" in browser.text
    assert f'hx-get="{root}/progress{following}"' in second.text
    assert '<a rel="prev" href="?">Later</a>' in second.text


@pytest.mark.parametrize(
    ("facts", "words", "left"),
    [
        ({}, "0 of 1,000 sent again, 1,000 to go", ""),
        ({"done": 250}, "250 of 1,000 sent again, 750 to go", "About 3 min"),
        ({"done": 200, "skipped": 50}, "50 skipped", "About 3 min"),
        ({"done": 1000}, "1,000 of 1,000 sent again", "All of them are in line"),
        ({"done": 250, "state": "paused"}, "750 to go", ""),
        ({"done": 250, "state": "cancelled"}, "250 of 1,000 sent again", ""),
        ({"kind": "discard", "done": 1, "state": "done"}, "1 of 1,000 discarded", ""),
    ],
)
def test_how_far_it_is_in_plain_words(facts: dict[str, Any], words: str, left: str) -> None:
    operation = {
        "kind": "replay",
        "state": "running",
        "statements": 1000,
        "done": 0,
        "skipped": 0,
        "beganAt": AT.isoformat(),
        **facts,
    }

    progress = progress_of(operation, AT + timedelta(minutes=1))

    assert words in progress.words
    assert progress.left.startswith(left) if left else not progress.left
