"""The page of a program, and the forms that make or change one."""

from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser
from tests.hub.portal.learning import ROOT, subscribe

Keys = dict[str, str]
EDIT = f"{ROOT}/program/edit"


async def look_at_acme(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["admin"])
    await browser.go("/portal/programs")
    await browser.send("/portal/programs", program="ACME")


async def test_a_program_tells_what_is_missing_and_who_receives_its_events(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await subscribe(hub)
    await browser.sign_in(keys["other"])
    await browser.go(ROOT)
    assert "needs the address and the key of its LearningBuilder" in browser.text
    assert "ACME" in browser.text
    assert "No mail went out yet" in browser.text
    assert "New program" not in browser.text

    await browser.sign_in(keys["reader"])
    await browser.go(ROOT)
    assert "Nobody is subscribed to ACME" in browser.text
    assert "Edit" not in browser.text


async def test_programs_are_made_from_where_they_are_chosen(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["admin"])
    answer = await browser.go("/portal/programs")
    assert f'href="{ROOT}/programs/add"' in answer.text

    await browser.sign_in(keys["acme"])
    await browser.go("/portal/programs")
    assert "New program" not in browser.text


async def test_a_program_is_changed_and_its_key_is_kept_when_left_blank(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["acme"])
    fields = {
        "Name": "Acme <b>Inc</b>",
        "TechnicalEmails": "ops@example.org, dev@example.org",
        "LbApiUrl": "https://lb.example.org",
        "LbApiKey": "s3cr3t",
        "At": "02:30",
        "Zone": "Europe/Berlin",
    }
    await browser.go(EDIT)
    answer = await browser.send(EDIT, **fields)
    assert answer.url.path == ROOT
    assert "The program is saved." in browser.text
    assert "<b>Inc</b>" not in answer.text
    assert "02:30, Europe/Berlin" in browser.text
    assert "kept, never shown" in browser.text

    form = await browser.go(EDIT)
    assert "s3cr3t" not in form.text
    await browser.send(EDIT, **{**fields, "Name": "Acme", "LbApiKey": "", "At": "", "Zone": ""})
    shown = (await hub.acme.get("/api/programs/ACME")).json()
    assert (shown["HasLbApiKey"], shown["NightlySync"]) == (True, None)


async def test_what_is_wrong_with_a_program_is_told_beside_its_field(
    browser: Browser, keys: Keys
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(EDIT)
    answer = await browser.send(
        EDIT, Name="", TechnicalEmails="nobody", LbApiUrl="ftp://x", At="02:30", Zone="Mars"
    )
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') >= 1
    answer = await browser.send(EDIT, Name="Acme", At="02:30", Zone="Mars")
    assert "is not a time zone" in browser.text
    assert 'value="Mars"' in answer.text


async def test_only_a_system_key_makes_programs(browser: Browser, keys: Keys, hub: Hub) -> None:
    path = f"{ROOT}/programs/add"
    await browser.sign_in(keys["acme"])
    assert (await browser.go(path)).status_code == 403
    await browser.go(ROOT)
    assert (await browser.send(path, ProgramId="NEW", Name="New")).status_code == 403
    await browser.go(EDIT)
    assert (await browser.send(path, ProgramId="NEW", Name="New")).status_code == 403

    await look_at_acme(browser, keys)
    await browser.go(path)
    await browser.send(path, ProgramId="ACME", Name="Again")
    assert "is taken; choose another" in browser.text
    await browser.send(path, ProgramId="a b", Name="Bad")
    assert "must be 1 to 25 of" in browser.text
    answer = await browser.send(path, ProgramId="NEW", Name="The new one")
    assert answer.url.path == ROOT
    assert "Program NEW is there. You are looking at it now." in browser.text
    assert (await hub.system.get("/api/programs/NEW")).json()["Name"] == "The new one"


async def test_who_may_only_read_cannot_change_a_program(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["reader"])
    await browser.go(EDIT)
    assert (await browser.send(EDIT, Name="Mine")).status_code == 403


async def test_without_its_token_no_form_of_the_learning_hub_is_taken(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await subscribe(hub)
    await look_at_acme(browser, keys)
    one = f"{ROOT}/subscriptions/OTHER"
    for path in (
        EDIT,
        f"{ROOT}/programs/add",
        f"{ROOT}/event/delete?id=OTHER-1",
        f"{ROOT}/subscriptions",
        one,
        *(f"{one}/{deed}" for deed in ("preview?card=0", "json", "replay", "delete")),
        f"{ROOT}/syncs",
        f"{ROOT}/completions/edit",
        f"{ROOT}/completions/delete",
    ):
        answer = await browser.client.post(path, data={"csrf": "x"})
        assert (answer.status_code, path) == (403, path)
        assert "not from a page of this session" in answer.text
