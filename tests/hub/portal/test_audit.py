"""Who changed what, as the portal shows it."""

import re

from hub.portal.wording.changes import Line, lines
from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]
EVIL = "<script>alert(1)</script>"


def test_what_differs_is_told_member_by_member() -> None:
    told = lines(
        {
            "statement_url": {"before": None, "after": "https://lrs.example.org"},
            "verbs": {"before": ["a"], "after": ["a", "b"]},
            "settings": {"before": {"name": "A", "x": 1}, "after": {"name": "B", "x": 1, "y": []}},
            "client_secret": "changed",
            "count": 3,
        }
    )
    assert told == [
        Line("statement url", None, "https://lrs.example.org"),
        Line("verbs", '["a"]', '["a", "b"]'),
        Line("settings: name", "A", "B"),
        Line("settings: y", None, None),
        Line("client secret", told="changed"),
        Line("count", told="3"),
    ]


async def test_an_integration_leads_to_its_changes(browser: Browser, keys: Keys, hub: Hub) -> None:
    integration = await hub.integrate(name=EVIL)
    await hub.acme.patch(
        f"/api/integrations/{integration}", json={"name": "Renamed", "clientSecret": "n3w-s3cr3t"}
    )
    await browser.sign_in(keys["reader"])
    page = await browser.go(f"/portal/integrations/{integration}")
    (path,) = re.findall(r'href="(/portal/changes[^"]+)"', page.text)
    page = await browser.go(path)

    assert "changed integration" in browser.text
    assert "created integration" in browser.text
    assert "acme" in browser.text
    assert "client secret changed" in browser.text
    assert "s3cr3t" not in page.text
    assert EVIL not in page.text
    assert "&lt;script&gt;" in page.text


async def test_changes_are_filtered(browser: Browser, keys: Keys, hub: Hub) -> None:
    await hub.integrate()
    await browser.sign_in(keys["acme"])
    await browser.go("/portal/changes", kind="program")
    assert "created program" in browser.text
    assert "created integration" not in browser.text
    await browser.go("/portal/changes", by="nobody")
    assert "No change fits the filter" in browser.text
    await browser.go("/portal/changes", since="2026-03-02T09:00", until="2026-03-02T09:01")
    assert "created integration" in browser.text
    await browser.go("/portal/changes", until="2026-03-02T09:00")
    assert "No change fits the filter" in browser.text
    answer = await browser.go("/portal/changes", since="noon")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


async def test_a_program_sees_its_own_and_a_system_key_everything(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await hub.integrate()
    await browser.sign_in(keys["other"])
    await browser.go("/portal/changes")
    assert "integration" not in browser.text.partition("Changes in OTHER")[2].partition("Secret")[2]
    assert "acme" not in browser.text
    assert (await browser.go("/portal/admin/changes")).status_code == 403

    await browser.sign_in(keys["admin"])
    await browser.go("/portal/admin/changes")
    assert "created integration" in browser.text
    assert "created provider" in browser.text
    await browser.go("/portal/admin/changes", programId="OTHER")
    assert "created integration" not in browser.text


async def test_many_changes_come_in_pages(browser: Browser, keys: Keys, hub: Hub) -> None:
    integration = await hub.integrate()
    for number in range(55):
        hub.clock.move(seconds=1)
        change = {"name": f"name {number:02}"}
        await hub.acme.patch(f"/api/integrations/{integration}", json=change)
    await browser.sign_in(keys["acme"])
    page = await browser.go("/portal/changes", kind="integration")
    assert page.text.count('<th scope="row">') == 50
    (further,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    page = await browser.go("/portal/changes" + further.replace("&amp;", "&"))
    assert page.text.count('<th scope="row">') == 6
    assert '<a rel="prev" href="?kind=integration">' in page.text
