"""Parts of pages that ask for themselves anew: in place, only while seen, and honest when alone."""

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.house import House
from tests.browser.reader import Reader, reading
from tests.faults.stack import PATIENCE
from tests.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]
SECOND = 1000
HIDDEN = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s})"
STALE = "The hub has not answered since"


async def pass_by(reader: Reader, seconds: int) -> None:
    """Let time pass in the browser; the clock of its page is held."""
    await reader.page.clock.run_for(seconds * SECOND)


async def is_told(house: House, integration: str, delivered: int) -> None:
    """Wait until the history has counted so many."""

    async def is_so() -> bool:
        told = await house.get(f"/api/integrations/{integration}/history", span="24h")
        return bool(sum(point["delivered"] for point in told["points"]) == delivered)

    await until(is_so, within=PATIENCE, what=f"{delivered} counted")


async def test_plots_take_newer_numbers_and_leave_the_reader_where_they_are(
    browser: Browser, house: House
) -> None:
    await house.provider("live")
    integration = await house.integrate("live")
    await house.send(integration, 2)
    await is_told(house, integration, 2)
    async with reading(browser, house) as reader:
        page = reader.page
        await page.clock.install()
        await reader.sign_in("reader")
        await reader.go(f"/portal/integrations/{integration}?span=24h")
        plot = page.locator(".plot .canvas").first
        await plot.focus()
        await page.keyboard.press("ArrowLeft")
        moment = await page.locator(".plot .at").first.text_content()
        await page.evaluate("document.querySelector('.plot canvas').dataset.same = 'yes'")
        await page.get_by_text("Show as table").click()
        await plot.focus()
        rows = page.locator("#points tbody tr")
        await expect(rows.first).to_be_visible()

        await house.send(integration, 5)
        await is_told(house, integration, 7)
        await pass_by(reader, 31)

        await expect(rows.first.locator("td").first).to_have_text("7")
        await expect(plot).to_be_focused()
        await expect(page.locator(".plot .at").first).to_have_text(moment or "-")
        await expect(page.locator(".plot canvas").first).to_have_attribute("data-same", "yes")
        await expect(page.locator("#lately tbody tr").first).to_be_visible()


async def test_a_page_whose_hub_is_silent_says_so_and_goes_on_by_itself(
    browser: Browser, house: House
) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, content_type="text/html", body="<h1>Away</h1>")

    integration = house.integrations["flowing"]
    async with reading(browser, house) as reader:
        page = reader.page
        await page.clock.install()
        await reader.sign_in("reader")
        await reader.go(f"/portal/integrations/{integration}")
        await page.route("**/state", refuse)
        await pass_by(reader, 6)
        await expect(page.locator("#stale")).to_contain_text(STALE)
        await expect(page.locator("#stands .state")).to_have_text("flowing")

        await page.unroute("**/state")
        await pass_by(reader, 6)
        await expect(page.locator("#stale")).to_be_empty()
        reader.troubles = [one for one in reader.troubles if "503" not in one]


async def test_what_nobody_sees_is_not_asked_for(browser: Browser, house: House) -> None:
    async with reading(browser, house) as reader:
        page = reader.page
        await page.clock.install()
        await reader.sign_in("reader")
        await reader.go(f"/portal/integrations/{house.integrations['flowing']}")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))

        await page.evaluate(
            "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"
        )
        await pass_by(reader, 60)
        assert asked == []

        await page.evaluate(HIDDEN % "false")
        async with page.expect_response("**/state"):
            await pass_by(reader, 6)
