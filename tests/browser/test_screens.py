"""Every screen, as people see it: wide and narrow, light and dark, and full of foreign markup."""

from collections.abc import Sequence
from typing import Literal

import pytest
from playwright.async_api import Browser

from tests.browser.house import PROGRAM, House
from tests.browser.reader import NARROW, WIDE, reading
from tests.browser.screens import SCREENS, Screen

LOOKS: Sequence[tuple[tuple[int, int], Literal["light", "dark"]]] = (
    (WIDE, "light"),
    (NARROW, "dark"),
)
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("screen", SCREENS, ids=str)
async def test_a_screen_is_fit_for_everybody(
    browser: Browser, house: House, screen: Screen
) -> None:
    async with reading(browser, house) as reader:
        await reader.sign_in("system", PROGRAM)

        assert await reader.go(screen.path(house)) == 200
        assert await reader.page.locator("h1").count() == 1
        flaws: dict[tuple[int, str], list[str]] = {}
        for size, scheme in LOOKS:
            await reader.resize(size)
            await reader.shade(scheme)
            if found := await reader.violations():
                flaws[size[0], scheme] = found
            if not await reader.is_within():
                flaws[size[0], "width"] = ["it is wider than the window"]
        foreign = reader.page.locator("main script, main img[onerror], head script:not([src])")

        assert not flaws
        assert await foreign.count() == 0
