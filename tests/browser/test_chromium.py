"""The browser: ours, and able to draw words."""

import pytest
from playwright.async_api import Browser

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_words_are_drawn_with_the_fonts_beside_it(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content(
        "<p style='font-family: system-ui'><b>Words</b> and <span>words</span></p>"
    )

    widths = await page.evaluate(
        "['b', 'span'].map(name => document.querySelector(name).getBoundingClientRect().width)"
    )

    assert 0 < widths[1] < widths[0], "the bold word is the wider one"
    await page.close()
