"""Providers in the portal: for SYSTEM keys, and for nobody else."""

from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]
ROOT = "/portal/admin/providers"
EVIL = "<script>alert(1)</script>"
FORM = {
    "name": "Docebo",
    "id": "docebo",
    "status": "active",
    "actorId": "sso",
    "accountHomePage": "https://sso.example.org",
    "objectId": "uuid",
    "objectIdTemplate": "urn:uuid:{id}",
    "verbs": "completed, passed",
    "xapiVersion": "1.0.3",
    "batchSize": "20",
    "concurrency": "2",
    "tokenAuth": "body",
    "scope": "",
    "tokenParameters": "audience=https://lrs.example.org\nresource = x=y",
}


async def test_a_provider_is_added_changed_and_deleted(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["admin"])
    await browser.go("/portal/admin")
    assert browser.answer.url.path == ROOT
    assert "An LMS" in browser.text
    page = await browser.go(f"{ROOT}/add")
    assert 'class="modal"' in page.text
    added = await browser.send(ROOT, **FORM)
    assert added.url.path == ROOT, browser.text
    assert "The provider Docebo is added" in browser.text
    made = (await hub.system.get("/api/providers/docebo")).json()
    assert made["verbs"] == ["completed", "passed"]
    assert made["tokenParameters"] == {"audience": "https://lrs.example.org", "resource": "x=y"}
    assert (made["scope"], made["batchSize"], made["tokenAuth"]) == (None, 20, "body")

    page = await browser.go(f"{ROOT}/docebo/edit")
    assert 'value="completed, passed"' in page.text
    assert "audience=https://lrs.example.org\nresource=x=y" in page.text
    changed = {**FORM, "name": EVIL, "objectIdTemplate": "", "tokenParameters": ""}
    del changed["id"]
    assert (await browser.send(f"{ROOT}/docebo/edit", **changed)).url.path == ROOT, browser.text
    assert EVIL not in browser.answer.text
    assert "&lt;script&gt;" in browser.answer.text
    made = (await hub.system.get("/api/providers/docebo")).json()
    assert (made["name"], made["objectIdTemplate"], made["tokenParameters"]) == (EVIL, None, {})

    await browser.go(f"{ROOT}/docebo/delete")
    await browser.send(f"{ROOT}/docebo/delete")
    assert (await hub.system.get("/api/providers/docebo")).status_code == 404


async def test_what_is_wrong_is_told_beside_its_field(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["admin"])
    await browser.go(f"{ROOT}/add")
    wrong = {"batchSize": "many", "objectIdTemplate": "no", "tokenParameters": "scope=x"}
    answer = await browser.send(ROOT, **{**FORM, **wrong})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="Docebo"' in answer.text
    answer = await browser.send(ROOT, **{**FORM, "tokenParameters": "scope=x"})
    assert "is sent with every token request already" in browser.text
    answer = await browser.send(ROOT, **{**FORM, "id": "lms"})
    assert answer.status_code == 409
    assert "provider lms exists" in browser.text


async def test_a_provider_in_use_stays_and_says_so(browser: Browser, keys: Keys, hub: Hub) -> None:
    await hub.integrate()
    await browser.sign_in(keys["admin"])
    await browser.go(f"{ROOT}/lms/delete")
    answer = await browser.send(f"{ROOT}/lms/delete")
    assert answer.status_code == 409
    assert "Integrations use it, so it stays" in browser.text
    assert (await hub.system.get("/api/providers/lms")).status_code == 200


async def test_nobody_without_a_system_key_gets_there(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["acme"])
    assert "Administration" not in browser.text
    for path in ("/portal/admin", ROOT, f"{ROOT}/add", f"{ROOT}/lms/edit", f"{ROOT}/lms/delete"):
        assert (await browser.go(path)).status_code == 403, path
    await browser.go("/portal/integrations")
    for path in (ROOT, f"{ROOT}/lms/edit", f"{ROOT}/sso/delete"):
        assert (await browser.send(path, **FORM)).status_code == 403, path
        await browser.go("/portal/integrations")
    assert (await hub.system.get("/api/providers/sso")).status_code == 200
