"""Who may not see something does not find it, and who may only read finds no button that writes."""

import re

import pytest
from playwright.async_api import Browser

from tests.browser.house import PROGRAM, House
from tests.browser.reader import reading
from tests.browser.screens import SCREENS

ALLOWED = {"/portal/sign-out", "/portal/programs"}
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_strangers_key_finds_nothing_of_the_program(browser: Browser, house: House) -> None:
    ours = {PROGRAM, *house.integrations.values(), house.ids["source_id"], house.ids["event_id"]}
    async with reading(browser, house) as reader:
        await reader.sign_in("stranger")
        for screen in SCREENS:
            path = screen.path(house)
            answer = await reader.page.request.get(f"{house.url}{path}")
            asked = set(re.findall(r"[\w.-]+", path))
            seen = {one for one in ours - asked if one in await answer.text()}
            assert not seen, f"{path} shows {seen}"
            if "{integration_id}" in screen.route or "{source_id}" in screen.route:
                assert answer.status == 404, path


async def test_a_reader_finds_no_button_that_writes(browser: Browser, house: House) -> None:
    async with reading(browser, house) as reader:
        await reader.sign_in("reader")
        for screen in SCREENS:
            answer = await reader.page.request.get(f"{house.url}{screen.path(house)}")
            if answer.status != 200:
                assert answer.status in {403, 404}, screen
                continue
            text = await answer.text()
            posts = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text)
            assert set(posts) <= ALLOWED, f"{screen}: {posts}"


async def test_times_are_the_readers_and_utc_is_at_hand(browser: Browser, house: House) -> None:
    async with reading(browser, house, timezone_id="Pacific/Auckland", locale="en-GB") as reader:
        page = reader.page
        await reader.sign_in("writer")
        await reader.go(f"/portal/integrations/{house.integrations['flowing']}/attempts")
        time = page.locator("main time").first
        written = await time.get_attribute("datetime")
        assert written
        local = await page.evaluate(
            "at => new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium'})"
            ".format(new Date(at))",
            written,
        )
        assert await time.inner_text() == local
        assert (await time.get_attribute("title") or "").endswith("UTC")
        await page.get_by_role("button", name="Show UTC").click()
        assert (await time.inner_text()).endswith("UTC")
