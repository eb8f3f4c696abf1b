"""What people do in the portal, from the first page to the last, in a real browser."""

import re

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from config.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from tests.browser.house import PROGRAM, PUBLISHER, ROWS, House
from tests.browser.reader import Reader, reading

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]
SOON = 30_000
"""Milliseconds: what a worker has to do takes its time on a busy machine."""


async def shown_dialog(page: Page) -> Locator:
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    return dialog


async def fill_in(form: Locator, house: House, provider: str, secret: str) -> None:
    """Fill the form of a new integration to the sandbox in."""
    await form.get_by_label("Name", exact=True).fill("From the portal")
    await form.get_by_label("Provider").select_option(provider)
    await form.get_by_label("Technical emails").fill("ops@acme.example, dev@acme.example")
    await form.get_by_label("Statement URL").fill(f"{house.stack.to_lrs.url}/xapi/statements")
    await form.get_by_label("Authentication URL").fill(f"{house.stack.to_lrs.url}/oauth/token")
    await form.get_by_label("Client ID").fill(CLIENT_ID)
    await form.get_by_label("Client secret").fill(secret)


async def stands(reader: Reader, word: str) -> None:
    """Wait until the page of an integration says that it stands so; it asks by itself."""
    await expect(reader.page.locator(".stands .state").first).to_have_text(word, timeout=SOON)


async def test_an_integration_is_added_fails_is_repaired_and_drains(
    browser: Browser, house: House
) -> None:
    await house.provider("journey")
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await page.get_by_role("button", name="Add an integration").click()
        dialog = await shown_dialog(page)
        await fill_in(dialog, house, "journey", "a wrong secret")
        await dialog.get_by_role("button", name="Test before saving").click()
        await expect(dialog.get_by_role("heading", name="It does not work yet")).to_be_visible()
        hint = "Client Id, Client Secret or Authentication URL may be incorrect."
        await expect(dialog.get_by_text(f"Invalid Credentials: {hint}")).to_be_visible()
        assert await dialog.get_by_label("Client secret").input_value() == "a wrong secret"

        await dialog.get_by_role("button", name="Add integration").click()
        await expect(page.get_by_role("status").first).to_contain_text("It is added")
        integration = page.url.rsplit("/", 1)[-1]
        sent = await house.send(integration)
        await stands(reader, "refused")

        await page.get_by_role("button", name="Edit", exact=True).click()
        dialog = await shown_dialog(page)
        await dialog.get_by_label("Client secret").fill(CLIENT_SECRET)
        await dialog.get_by_role("button", name="Test before saving").click()
        await expect(dialog.get_by_role("heading", name="It works")).to_be_visible()
        await dialog.get_by_role("button", name="Save integration").click()
        await stands(reader, "flowing")
        await house.stands(integration, "flowing", queued=0)
        assert set(sent) <= set(house.stack.sandbox.lrs.ids())


async def test_a_server_that_is_down_is_waited_for(browser: Browser, house: House) -> None:
    await house.provider("patient")
    integration = await house.integrate("patient")
    async with reading(browser, house) as reader:
        await reader.sign_in("writer")
        house.stack.sandbox.change({"statements": 503})
        await house.send(integration)
        await reader.go(f"/portal/integrations/{integration}")
        await stands(reader, "down")
        await expect(reader.page.locator(".stands").first).to_contain_text(
            "503 Service Unavailable"
        )
        house.stack.sandbox.change({"statements": "ok"})
        await stands(reader, "flowing")


async def test_an_integration_is_disabled_enabled_and_deleted_with_what_waits(
    browser: Browser, house: House
) -> None:
    await house.provider("leaving")
    integration = await house.integrate("leaving", name="Leaving")
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await reader.go(f"/portal/integrations/{integration}")
        await page.get_by_role("button", name="Disable").click()
        await stands(reader, "disabled")
        await house.send(integration, 2)
        await page.get_by_role("button", name="Delete", exact=True).click()
        dialog = await shown_dialog(page)
        await expect(dialog).to_contain_text("2 statements")
        await dialog.get_by_role("checkbox").check()
        await dialog.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("It is deleted.")).to_be_visible()
        assert await reader.go(f"/portal/integrations/{integration}") == 404


async def test_parked_statements_are_released_and_discarded_after_a_count(
    browser: Browser, house: House
) -> None:
    await house.provider("strict")
    refusing = {
        "authenticationUrl": house.customer.url("/token"),
        "statementUrl": house.customer.url("/refused"),
    }
    integration = await house.integrate("strict", **refusing)
    await house.send(integration, 3)
    await house.stands(integration, "flowing", parked=3)
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await reader.go(f"/portal/integrations/{integration}/parked")
        await page.get_by_role("checkbox").first.check()
        await page.get_by_role("button", name="Release those ticked").click()
        dialog = await shown_dialog(page)
        await expect(dialog.get_by_role("heading")).to_have_text("Release 1 statement?")
        await dialog.get_by_role("button", name="Release").click()
        await expect(dialog).not_to_be_visible()
        await house.stands(integration, "flowing", parked=3)

        await reader.go(f"/portal/integrations/{integration}/parked")
        await page.get_by_role("button", name="Discard all").click()
        dialog = await shown_dialog(page)
        await expect(dialog.get_by_role("heading")).to_have_text("Discard 3 statements?")
        await dialog.get_by_role("button", name="Discard").click()
        # The browser goes on by itself, and is not to be sent elsewhere before it has.
        await expect(page.get_by_text("3 statements are discarded.")).to_be_visible()
        await house.stands(integration, "flowing", parked=0)
        await reader.go(f"/portal/integrations/{integration}/parked")
        await expect(page.get_by_text("Nothing is parked.")).to_be_visible()


async def test_what_was_delivered_is_counted_and_sent_again(browser: Browser, house: House) -> None:
    await house.provider("again")
    integration = await house.integrate("again")
    await house.send(integration, 3)
    await house.stands(integration, "flowing", queued=0)
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await reader.go(f"/portal/integrations/{integration}/replays")
        await page.get_by_label("Since").fill("2026-01-01T00:00:00")
        await page.get_by_role("button", name="Count").click()
        await expect(page.get_by_role("heading", name="Send 3 statements again?")).to_be_visible()
        await page.get_by_role("button", name="Send again").click()
        await expect(page.locator("#operations")).to_contain_text("done", timeout=SOON)


async def test_a_template_is_tried_while_it_is_written_and_told_its_line(
    browser: Browser, house: House
) -> None:
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("system", PROGRAM)
        await reader.go(f"/portal/learning/subscriptions/{PUBLISHER}")
        template = page.get_by_label("Row template").first
        await template.fill('{"Member": "{{upper email}}",\n "Course": "{{#if course}}"}')
        await expect(page.get_by_text("line 2").first).to_be_visible(timeout=SOON)
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert").first).to_contain_text("Nothing is saved")
        await template.fill('{"Member": "{{upper email}}"}')
        await expect(page.get_by_text("BARBARA@EXAMPLE.ORG").first).to_be_visible(timeout=SOON)
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status").first).to_be_visible()
        shown = await house.get(f"/programs/{PROGRAM}/eventSubs/{PUBLISHER}")
        assert "upper email" in str(shown["LbApiPayloadTemplate"])


async def test_a_sync_is_run_now_and_shows_its_batches(browser: Browser, house: House) -> None:
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await reader.go("/portal/learning/syncs")
        await page.get_by_role("button", name="Sync now").click()
        await page.wait_for_url(re.compile("/portal/learning/syncs/"))
        listed = await house.get(f"/api/programs/{PROGRAM}/syncs")
        assert len(listed["items"]) >= 2


async def test_a_file_is_sent_and_becomes_statements(browser: Browser, house: House) -> None:
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("writer")
        await reader.go(f"/portal/sources/{house.ids['source_id']}")
        content = ROWS.replace("ada@", "mary@").encode()
        file = FilePayload(name="february.csv", mimeType="text/csv", buffer=content)
        await page.locator("input[type=file]").set_input_files(file)
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("heading", name="february.csv")).to_be_visible(timeout=SOON)
        read = page.locator("#file").get_by_text("read", exact=True)
        await expect(read).to_be_visible(timeout=SOON)


async def test_a_key_is_made_shown_once_and_revoked(browser: Browser, house: House) -> None:
    async with reading(browser, house) as reader:
        page = reader.page
        await reader.sign_in("system", PROGRAM)
        await reader.go("/portal/admin/keys/add")
        await page.get_by_label("User", exact=True).fill("visitor")
        await page.get_by_label("Programs it may change").fill("")
        await page.get_by_label("Programs it may only read").fill(PROGRAM)
        await page.get_by_role("button", name="Make key").click()
        await expect(page.get_by_label("API key")).to_have_value(re.compile("^lh_"))
        await reader.go("/portal/admin/keys")
        row = page.get_by_role("row").filter(has_text="visitor")
        await row.get_by_title("Revoke").click()
        dialog = await shown_dialog(page)
        await dialog.get_by_role("button", name="Revoke").click()
        await expect(dialog).not_to_be_visible()
        (key,) = (await house.get("/api/keys", userId="visitor"))["items"]
        assert key["revokedAt"]
        await reader.go("/portal/admin/changes")
        await expect(page.get_by_text("visitor").first).to_be_visible()
