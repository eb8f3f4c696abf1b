"""The page of what waits, and throwing it away."""

from html import unescape

from tests.hub.api.conftest import Hub, a_statement
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]


async def test_what_waits_is_shown_in_the_order_in_which_it_is_sent(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integration = await hub.integrate(status="disabled")
    path, root = f"/api/integrations/{integration}", f"/portal/integrations/{integration}/queue"
    await browser.sign_in(keys["reader"])
    await browser.go(root)
    assert "Nothing waits." in browser.text
    for number in range(60):
        course = {"id": f"https://example.org/courses/{number}"}
        await hub.acme.post(f"{path}/statements", json=a_statement(object=course))

    first = await browser.go(root)
    assert "60 statements wait" in browser.text
    assert first.text.index("courses/0<") < first.text.index("courses/49<")
    assert "courses/50<" not in first.text
    assert "Throw away" not in browser.text
    following = first.text.split('rel="next" href="')[1].split('"')[0]
    await browser.go(f"{root}{unescape(following)}")
    assert "courses/50<" in browser.answer.text
    assert "courses/59<" in browser.answer.text
    assert "Nearer to the front Page 2" in browser.text


async def test_what_waits_is_thrown_away_after_a_count(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integration = await hub.integrate(status="disabled")
    root = f"/portal/integrations/{integration}/queue"
    await hub.acme.post(f"/api/integrations/{integration}/statements", json=a_statement())
    await browser.sign_in(keys["acme"])
    await browser.go(f"{root}/purge")
    assert "1 statement waits" in browser.text

    await browser.send(f"{root}/purge")
    assert "1 statement was thrown away" in browser.text
    assert "Nothing waits." in browser.text
    await browser.go(f"{root}/purge")
    assert "Nothing waits for" in browser.text


async def test_a_cursor_that_is_not_ours_is_told(browser: Browser, keys: Keys, hub: Hub) -> None:
    integration = await hub.integrate()
    await browser.sign_in(keys["acme"])
    answer = await browser.go(f"/portal/integrations/{integration}/queue", cursor="x")
    assert answer.status_code == 400
    assert "this cursor is not one of ours" in browser.text
