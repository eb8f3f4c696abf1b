"""The portal, page by page, over the whole application: what is shown, and what is refused."""

import re

import httpx

from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import INPUT, Browser

EVIL = "<script>alert(1)</script>"
FORM = {
    "name": "Acme to the LMS",
    "provider": "lms",
    "technicalEmails": "ops@example.org, dev@example.org",
    "statementUrl": "https://lrs.example.org/xapi/statements",
    "authenticationUrl": "https://lrs.example.org/oauth/token",
    "clientId": "acme",
    "clientSecret": "s3cr3t",
    "status": "disabled",
}
STATEMENT = {
    "actor": {"mbox": "mailto:ann@example.org"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {"id": "https://example.org/courses/1"},
}
Keys = dict[str, str]


async def test_pages_load_nothing_from_elsewhere_and_run_nothing_of_their_own(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["acme"])
    last = ("edit", "delete", "test", "parked", "attempts", "find", "replays")
    paths = ["/portal/integrations", "/portal/programs", root, *(f"{root}/{one}" for one in last)]
    answer = await browser.go("/portal/integrations/add")
    for path in paths:
        answer = await browser.go(path)
        assert answer.status_code == 200, path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r'(src|href|action)="(https?:)?//', answer.text), path
        assert not re.search(r"<[^>]+ (style|on\w+)=", answer.text), path
    for asset in set(re.findall(r'(?:src|href)="(/portal/static/[^"]+)"', answer.text)):
        assert (await browser.go(asset)).status_code == 200, asset


async def test_fields_of_time_say_which_zone_is_meant_where_no_script_runs(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["reader"])
    for path in (
        f"{root}/parked",
        f"{root}/attempts",
        "/portal/changes",
        "/portal/learning/events",
    ):
        page = await browser.go(path)
        fields = re.findall(r'<input [^>]*id="(\w+)"[^>]*type="datetime-local"', page.text)
        assert fields == ["since", "until"], path
        assert browser.text.count("( UTC )") == len(fields), path


async def test_a_form_in_a_dialog_is_told_where_to_go(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["acme"])
    page = await browser.go(f"{root}/delete")
    assert 'class="modal"' in page.text
    form = {"csrf": dict(INPUT.findall(page.text))["csrf"]}
    in_dialog = {"X-Dialog": "yes"}
    answer = await browser.client.post(f"{root}/delete", data=form, headers=in_dialog)
    assert (answer.status_code, answer.headers["x-go"]) == (204, "/portal/integrations")

    browser.client.cookies.clear()
    signed_out = await browser.client.get(f"{root}/delete", headers=in_dialog)
    assert (signed_out.status_code, signed_out.headers["x-go"]) == (204, "/portal/sign-in")


async def test_what_was_done_is_told_once_on_the_next_page(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["acme"])
    await browser.go(root)
    await browser.send(f"{root}/status", status="disabled")
    assert "It is disabled: what arrives is held" in browser.text
    await browser.go(root)
    assert "It is disabled: what arrives is held" not in browser.text

    browser.client.cookies.set("hub_told", "RXZpbA.forged", domain="hub.local", path="/portal")
    assert (await browser.go(root)).status_code == 200
    assert "Evil" not in browser.text


async def test_every_page_leads_to_the_places_of_the_key(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    assert 'href="/portal/integrations" aria-current="page"' in browser.answer.text
    assert 'href="/portal/sources">' in browser.answer.text


async def test_an_integration_is_added_changed_and_deleted(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go("/portal/integrations/add")
    assert "An LMS" in browser.text
    added = await browser.send("/portal/integrations", **FORM)
    root = added.url.path
    assert root.startswith("/portal/integrations/"), browser.text

    await browser.go("/portal/integrations")
    assert "Acme to the LMS" in browser.text
    assert "disabled" in browser.text
    await browser.go("/portal/integrations", q="nothing so")
    assert "No integration fits the filter" in browser.text

    await browser.go(f"{root}/edit")
    assert "s3cr3t" not in browser.answer.text
    assert 'value="ops@example.org, dev@example.org"' in browser.answer.text
    changed = {**FORM, "name": "Another name", "clientSecret": "", "batchSize": "20"}
    del changed["provider"]
    assert (await browser.send(f"{root}/edit", **changed)).url.path == root, browser.text
    assert "Another name" in browser.text
    assert "kept, never shown" in browser.text

    await browser.go("/portal/integrations/add")
    assert "An LMS" not in browser.text
    await browser.go(f"{root}/delete")
    assert "Nothing waits" in browser.text
    assert (await browser.send(f"{root}/delete")).url.path == "/portal/integrations"
    assert (await browser.go(root)).status_code == 404


async def test_it_is_enabled_and_disabled(browser: Browser, keys: Keys, hub: Hub) -> None:
    integration = await hub.integrate()
    await browser.sign_in(keys["acme"])
    await browser.go(f"/portal/integrations/{integration}")
    assert "Statements are delivered as they come" in browser.text
    await browser.send(f"/portal/integrations/{integration}/status", status="disabled")
    assert "Somebody disabled it" in browser.text


async def test_what_a_stranger_must_not_see_is_not_there(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["other"])
    assert "Acme" not in browser.text
    for last in (
        "",
        "/edit",
        "/delete",
        "/test",
        "/state",
        "/parked",
        "/attempts",
        "/find",
        "/replays",
    ):
        answer = await browser.go(root + last)
        assert answer.status_code == 404, last
        assert "lrs.example.org" not in answer.text
    await browser.go("/portal/programs")
    assert "ACME" not in browser.text
    assert (await browser.send("/portal/programs", program="ACME")).status_code == 404


async def test_a_system_key_chooses_a_program(browser: Browser, keys: Keys, hub: Hub) -> None:
    await hub.integrate()
    answer = await browser.sign_in(keys["admin"])
    assert answer.url.path == "/portal/programs"
    await browser.send("/portal/programs", program="ACME")
    assert "Acme to the LMS" in browser.text
    await browser.go("/portal/programs")
    await browser.send("/portal/programs", program="OTHER")
    assert "There is no integration yet" in browser.text


async def test_names_and_ids_full_of_markup_are_text(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate(name=EVIL, clientId=EVIL)}"
    await browser.sign_in(keys["acme"])
    for path in ("/portal/integrations", root, f"{root}/edit", f"{root}/delete", f"{root}/parked"):
        answer = await browser.go(path)
        assert EVIL not in answer.text
        assert "&lt;script&gt;alert(1)" in answer.text
    await browser.go(f"{root}/find", id=EVIL)
    assert EVIL not in browser.answer.text


async def test_a_statement_is_found(browser: Browser, keys: Keys, hub: Hub) -> None:
    integration = await hub.integrate(status="disabled")
    sent = await hub.acme.post(f"/api/integrations/{integration}/statements", json=STATEMENT)
    (statement,) = sent.json()["accepted"]
    await browser.sign_in(keys["acme"])
    root = f"/portal/integrations/{integration}"
    await browser.go(f"{root}/find", id=statement)
    assert "It is the next to go" in browser.text
    await browser.go(f"{root}/find", id="00000000-0000-4000-8000-000000000000")
    assert "Nothing is known here of a statement" in browser.text

    await browser.go(root)
    assert "1 statement waits" in browser.text
    await browser.go(f"{root}/delete")
    assert "1 statement waits or is parked" in browser.text


async def test_what_was_discarded_is_counted_and_sent_again(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integration = await hub.integrate(status="disabled")
    path, root = f"/api/integrations/{integration}", f"/portal/integrations/{integration}/replays"
    for number in range(3):
        await hub.acme.post(f"{path}/statements", json={**STATEMENT, "context": {"language": "en"}})
        hub.clock.move(seconds=number)
    await hub.acme.post(f"{path}/queue/purge")
    await browser.sign_in(keys["acme"])
    await browser.go(root)
    assert "Nothing was sent again yet" in browser.text

    at = {"since": "2026-03-01T00:00", "until": "", "outcome": "delivered", "status": ""}
    await browser.send(root, **at)
    assert "Nothing was delivered in that time" in browser.text
    await browser.send(root, **{**at, "outcome": "discarded"})
    assert "3 statements" in browser.text
    assert "bytes" in browser.text
    assert "Nothing was sent again yet" in browser.text
    begun = await browser.send(root, **{**at, "outcome": "discarded", "sure": "yes"})
    assert begun.url.path == root
    assert "Sending again 3 statements" in browser.text
    (listed,) = (await hub.acme.get(f"{path}/operations")).json()["items"]

    await browser.send(f"{root}/steer", operation=listed["id"], verb="pause")
    assert "paused" in browser.text
    await browser.send(f"{root}/steer", operation=listed["id"], verb="cancel")
    assert "cancelling" in browser.text
    assert "Pause" not in browser.text
    assert (await browser.send(f"{root}/steer", verb="burn")).status_code in {403, 422}


async def test_a_replay_of_no_time_is_told(browser: Browser, keys: Keys, hub: Hub) -> None:
    root = f"/portal/integrations/{await hub.integrate()}/replays"
    await browser.sign_in(keys["acme"])
    await browser.go(root)
    answer = await browser.send(root, since="", outcome="delivered")
    assert answer.status_code == 422
    assert "must say since" in browser.text


async def test_filters_that_mean_nothing_are_told(browser: Browser, keys: Keys, hub: Hub) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["acme"])
    answer = await browser.go(f"{root}/attempts", status="teapot")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert (
        "Nothing parked fits the filter" in (await browser.go(f"{root}/parked", status="418")).text
    )


async def test_a_form_with_more_fields_than_ours_is_refused(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["acme"])
    await browser.go(root)
    many = {f"field{number}": "" for number in range(300)}
    assert (await browser.send(f"{root}/status", status="disabled", **many)).status_code == 403
    assert (await hub.acme.get(root.replace("/portal", "/api"))).json()["status"] == "active"


async def test_a_store_that_is_away_is_told_and_the_page_stands(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    root = f"/portal/integrations/{await hub.integrate()}"
    await browser.sign_in(keys["acme"])
    hub.redis.connected = False

    assert (await browser.go("/portal/integrations")).status_code == 200
    assert "unknown" in browser.text
    answer = await browser.go(f"{root}/attempts")
    assert answer.status_code == 503
    assert isinstance(answer, httpx.Response)
