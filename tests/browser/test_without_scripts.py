"""Forms do their work in a browser that runs no scripts."""

import pytest
from playwright.async_api import Browser, FilePayload, expect

from config.sandbox.oauth import CLIENT_SECRET
from tests.browser.house import ROWS, House
from tests.browser.reader import reading
from tests.browser.test_journeys import fill_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_integration_is_added_tested_changed_and_deleted(
    browser: Browser, house: House
) -> None:
    await house.provider("plain")
    async with reading(browser, house, java_script_enabled=False) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await page.get_by_role("button", name="Add an integration").click()
        form = page.locator("section.modal")
        await fill_in(form, house, "plain", CLIENT_SECRET)
        await page.get_by_role("button", name="Test before saving").click()
        await expect(page.get_by_role("heading", name="It works")).to_be_visible()
        await expect(page.get_by_text("Type the secret once more")).to_be_visible()
        await page.get_by_label("Client secret").fill(CLIENT_SECRET)
        await page.get_by_role("button", name="Add integration").click()
        await expect(page.get_by_text("It is added")).to_be_visible()

        root = page.url
        await page.goto(f"{root}/test")
        await page.get_by_role("button", name="Test", exact=True).click()
        await expect(page.get_by_role("heading", name="It works")).to_be_visible()
        await page.goto(f"{root}/edit")
        await page.get_by_label("Name", exact=True).fill("Another name")
        await page.get_by_role("button", name="Save integration").click()
        await expect(page.get_by_role("heading", name="Another name")).to_be_visible()
        await page.goto(f"{root}/delete")
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("It is deleted.")).to_be_visible()


async def test_parked_statements_are_chosen_and_a_file_is_sent(
    browser: Browser, house: House
) -> None:
    async with reading(browser, house, java_script_enabled=False) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await reader.go(f"/portal/integrations/{house.integrations['parking']}/parked")
        await page.get_by_role("checkbox").first.check()
        await page.get_by_role("button", name="Release those ticked").click()
        await page.get_by_role("button", name="Release").click()
        await page.wait_for_url("**/parked*")

        await reader.go(f"/portal/sources/{house.ids['source_id']}")
        content = ROWS.replace("ada@", "jean@").encode()
        file = FilePayload(name="march.csv", mimeType="text/csv", buffer=content)
        await page.locator("input[type=file]").set_input_files(file)
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("heading", name="march.csv")).to_be_visible()
