"""All of it works without a mouse."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.house import House
from tests.browser.reader import reading

pytestmark = pytest.mark.asyncio(loop_scope="session")
MOST_TABS = 60
OUTLINE = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle + style.boxShadow;
}"""


async def focused(page: Page) -> str:
    words: str = await page.evaluate(
        "(document.activeElement.name || document.activeElement.textContent)"
        ".replace(/\\s+/g, ' ').trim()"
    )
    return words


async def tab_to(page: Page, words: str) -> None:
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await focused(page) == words:
            outlined = await page.evaluate(OUTLINE)
            assert outlined != "nonenone", f"{words} has the focus, and does not show it"
            return
    raise AssertionError(f"no way leads to {words}")


async def test_one_signs_in_and_opens_and_leaves_a_dialog(browser: Browser, house: House) -> None:
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.go("/portal/sign-in")
        # A browser moves the focus there when it first draws the page.
        await expect(page.get_by_label("API key")).to_be_focused()
        await page.keyboard.type(house.keys["writer"])
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/portal/integrations")

        await page.keyboard.press("Tab")
        assert await focused(page) == "Skip to the content"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "content"

        await tab_to(page, "Add an integration")
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        assert await focused(page) == "name"
        await page.keyboard.press("Shift+Tab")
        assert await page.evaluate("document.activeElement.closest('dialog') !== null")
        await page.keyboard.press("Escape")
        await expect(dialog).not_to_be_visible()
        assert await focused(page) == "Add an integration"


async def test_what_is_drawn_anew_leaves_the_focus_where_it_is(
    browser: Browser, house: House
) -> None:
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("writer")
        link = page.locator("#rows th a").first
        await link.focus()
        async with page.expect_response("**/integrations/rows*"):
            pass
        await expect(link).to_be_focused()
