"""API keys in the portal: made and shown once, listed, revoked."""

import re

from hub.portal.ways import IN_DIALOG
from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import INPUT, Browser

Keys = dict[str, str]
ROOT = "/portal/admin/keys"
FORM = {"userId": "ann", "kind": "programs", "write": "ACME", "read": "OTHER", "expiresAt": ""}
SHOWN = re.compile(r'id="newKey"[^>]* value="(lh_[^"]+)"')


async def test_a_key_is_made_shown_once_and_works(browser: Browser, keys: Keys, hub: Hub) -> None:
    await browser.sign_in(keys["admin"])
    await browser.go(f"{ROOT}/add")
    page = await browser.send(ROOT, **{**FORM, "expiresAt": "2026-04-01T09:30"})
    (key,) = SHOWN.findall(page.text)
    assert "shown this once" in browser.text
    assert "write ACME, read OTHER" in browser.text

    await browser.go(ROOT, userId="ann")
    assert key not in browser.answer.text
    (listed,) = (await hub.system.get("/api/keys", params={"userId": "ann"})).json()["items"]
    assert listed["programs"] == {"ACME": "write", "OTHER": "read"}
    assert listed["expiresAt"] == "2026-04-01T09:30:00Z"
    assert listed["keyId"] in browser.text
    assert (await browser.sign_in(key)).url.path == "/portal/programs"


async def test_a_key_that_is_made_in_a_dialog_is_shown_there(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["admin"])
    page = await browser.go(f"{ROOT}/add")
    form = {**FORM, "kind": "system", "csrf": dict(INPUT.findall(page.text))["csrf"]}
    answer = await browser.client.post(ROOT, data=form, headers={IN_DIALOG: "yes"})
    assert (answer.status_code, len(SHOWN.findall(answer.text))) == (200, 1)
    assert 'class="modal"' in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_wrong_is_told_beside_its_field(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["admin"])
    await browser.go(f"{ROOT}/add")
    answer = await browser.send(ROOT, **{**FORM, "read": "NOWHERE, OTHER"})
    assert answer.status_code == 422
    assert "NOWHERE is no program that exists" in browser.text
    assert 'id="read"' in answer.text.partition('aria-invalid="true"')[0]
    await browser.send(ROOT, **{**FORM, "write": "", "read": ""})
    assert "must name a program" in browser.text
    await browser.send(ROOT, **{**FORM, "expiresAt": "2020-01-01T00:00"})
    assert "must be in the future" in browser.text
    await browser.send(ROOT, **{**FORM, "userId": "a:b"})
    assert "no colon" in browser.text


async def test_a_key_is_revoked_and_its_sessions_end(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    listed = (await hub.system.get("/api/keys")).json()["items"]
    ids = {one["userId"]: one["keyId"] for one in listed}
    await browser.sign_in(keys["admin"])
    await browser.go(f"{ROOT}/{ids['acme']}/revoke")
    assert "never used" in browser.text
    assert "You are signed in with this key" not in browser.text
    await browser.send(f"{ROOT}/{ids['acme']}/revoke")
    assert "The key of acme is revoked" in browser.text
    assert "revoked" in browser.text
    assert (await hub.acme.get("/api/keys/mine")).status_code == 401

    await browser.go(f"{ROOT}/{ids['admin']}/revoke")
    assert "You are signed in with this key" in browser.text
    gone = await browser.send(f"{ROOT}/{ids['admin']}/revoke")
    assert gone.url.path == "/portal/sign-in"


async def test_nobody_without_a_system_key_gets_there(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    (admin,) = (await hub.system.get("/api/keys", params={"userId": "admin"})).json()["items"]
    await browser.sign_in(keys["acme"])
    for path in (ROOT, f"{ROOT}/add", f"{ROOT}/{admin['keyId']}/revoke"):
        assert (await browser.go(path)).status_code == 403, path
    for path in (ROOT, f"{ROOT}/{admin['keyId']}/revoke"):
        await browser.go("/portal/integrations")
        assert (await browser.send(path, **FORM)).status_code == 403, path
    assert (await hub.system.get("/api/keys/mine")).status_code == 200


async def test_many_keys_come_in_pages(browser: Browser, keys: Keys, hub: Hub) -> None:
    for number in range(55):
        form = {"userId": f"u{number:02}", "programs": {"ACME": "read"}}
        assert (await hub.system.post("/api/keys", json=form)).status_code == 201
        hub.clock.move(seconds=1)
    await browser.sign_in(keys["admin"])
    page = await browser.go(ROOT)
    assert "u54" in browser.text
    assert "u00" not in browser.text
    (further,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    await browser.go(ROOT + further.replace("&amp;", "&"))
    assert "u00" in browser.text
