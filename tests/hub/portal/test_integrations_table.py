"""The table of integrations: its filter, its pages, and what it offers to whom."""

from tests.hub.api.conftest import Hub
from tests.hub.api.test_histories import note
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]
TABLE, ROWS = "/portal/integrations", "/portal/integrations/rows"


async def test_the_rows_are_narrowed_and_the_address_says_how(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await hub.integrate("lms", name="To the LMS")
    await hub.integrate("sso", name="To the SSO")
    await browser.sign_in(keys["acme"])

    answer = await browser.go(ROWS, q="the lms", state="flowing")
    assert "To the LMS" in browser.text
    assert "To the SSO" not in browser.text
    assert answer.headers["hx-replace-url"] == f"{TABLE}?q=the+lms&state=flowing"

    answer = await browser.go(ROWS)
    assert "To the SSO" in browser.text
    assert answer.headers["hx-replace-url"] == TABLE


async def test_a_provider_is_called_by_its_name(browser: Browser, keys: Keys, hub: Hub) -> None:
    await hub.integrate("lms", name="To the LMS")
    await hub.system.patch("/api/providers/lms", json={"name": "Cornerstone"})
    await browser.sign_in(keys["acme"])

    answer = await browser.go(TABLE, q="corner")

    assert "To the LMS" in browser.text
    assert '<td data-label="Provider">Cornerstone</td>' in answer.text


async def test_rows_that_are_drawn_anew_are_the_same_page(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await hub.integrate("lms", name="To the LMS")
    hub.clock.move(seconds=1)
    await hub.integrate("sso", name="To the SSO")
    path = "/api/programs/ACME/integrations"
    cursor = (await hub.acme.get(path, params={"limit": 1})).json()["next"]
    await browser.sign_in(keys["acme"])

    answer = await browser.go(ROWS, cursor=cursor)
    assert "To the LMS" not in browser.text
    assert "To the SSO" in browser.text
    assert f'hx-get="{ROWS}?cursor={cursor}' in answer.text.replace("%3D", "=")
    assert answer.headers["hx-replace-url"].startswith(f"{TABLE}?cursor=")


async def test_the_last_24_hours_are_drawn(browser: Browser, keys: Keys, hub: Hub) -> None:
    await note(hub, await hub.integrate(), 3)
    await browser.sign_in(keys["acme"])
    answer = await browser.go(TABLE)
    assert 'aria-label="3 delivered, 0 failures in the last 24 hours"' in answer.text
    assert answer.text.count('class="none"') == 24
    assert "1 integration " in browser.text


async def test_what_is_not_known_while_redis_is_away_is_no_zero(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await hub.integrate()
    await browser.sign_in(keys["acme"])
    hub.redis.connected = False
    answer = await browser.go(TABLE)
    assert answer.status_code == 200
    assert answer.text.count(">?</td>") == 5


async def test_markup_in_a_name_is_text(browser: Browser, keys: Keys, hub: Hub) -> None:
    await hub.integrate(name="<b>bold</b>")
    await browser.sign_in(keys["acme"])
    answer = await browser.go(TABLE)
    assert "<b>" not in answer.text
    assert "Edit &lt;b&gt;bold" in answer.text


async def test_whoever_may_only_read_is_offered_no_change(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    shown = await hub.integrate()
    await browser.sign_in(keys["reader"])
    answer = await browser.go(TABLE)
    assert f'href="{TABLE}/{shown}"' in answer.text
    for deed in ("add", f"{shown}/edit", f"{shown}/delete"):
        assert f'href="{TABLE}/{deed}"' not in answer.text
