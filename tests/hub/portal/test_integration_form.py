"""The form that makes or changes an integration: its fields, its errors, trying before saving."""

import re
from ipaddress import IPv4Network

import pytest

from config.sandbox.server import Addresses
from config.sandbox.state import Sandbox
from hub.portal.pages.integrations.providers import OFFERED
from tests.hub.api.conftest import LOOPBACK, Hub
from tests.hub.portal.conftest import Browser
from tests.hub.portal.test_portal import FORM

Keys = dict[str, str]
ADD = "/portal/integrations/add"


@pytest.fixture
def allowed() -> list[IPv4Network]:
    return [LOOPBACK]


def to_the_sandbox(addresses: Addresses, **fields: str) -> dict[str, str]:
    return {
        **FORM,
        "statementUrl": addresses.statement_url,
        "authenticationUrl": addresses.authentication_url,
        "clientId": "sandbox",
        "clientSecret": "sandbox-secret",
        **fields,
    }


async def test_what_is_wrong_is_told_beside_its_field(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go("/portal/integrations/add")
    wrong = {**FORM, "statementUrl": "ftp://x", "clientId": "", "batchSize": "many"}
    answer = await browser.send("/portal/integrations", **wrong)

    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="Acme to the LMS"' in answer.text
    assert "s3cr3t" not in answer.text
    assert "2 fields need another look" in browser.text

    answer = await browser.send("/portal/integrations", **{**FORM, "statementUrl": "ftp://x"})
    assert answer.text.count('aria-invalid="true"') == 1
    assert "1 field needs another look" in browser.text


async def test_a_new_integration_is_tried_before_it_is_saved(
    browser: Browser, keys: Keys, hub: Hub, sandbox: Sandbox, addresses: Addresses
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(ADD)
    wrong = to_the_sandbox(addresses, clientSecret="a wrong one")
    await browser.send("/portal/integrations/try", **wrong)
    assert "It does not work yet" in browser.text
    assert "Client Secret or Authentication URL may be incorrect" in browser.text
    assert "Nothing was saved. Type the secret once more before you save." in browser.text
    assert "a wrong one" not in browser.answer.text
    assert 'value="Acme to the LMS"' in browser.answer.text

    await browser.send("/portal/integrations/try", **to_the_sandbox(addresses))
    assert "It works" in browser.text
    assert sandbox.lrs.held == 1
    assert (await hub.acme.get("/api/programs/ACME/integrations")).json()["items"] == []

    await browser.send("/portal/integrations", **to_the_sandbox(addresses))
    assert "It is added, and disabled" in browser.text


async def test_changes_are_tried_before_they_are_saved(
    browser: Browser, keys: Keys, hub: Hub, sandbox: Sandbox, addresses: Addresses
) -> None:
    shown = await hub.integrate(
        statementUrl=addresses.statement_url,
        authenticationUrl=addresses.authentication_url,
        clientId="sandbox",
        clientSecret="sandbox-secret",
    )
    root = f"/portal/integrations/{shown}"
    await browser.sign_in(keys["acme"])
    await browser.go(f"{root}/edit")
    form = to_the_sandbox(addresses, clientSecret="")
    del form["provider"]
    await browser.send(f"{root}/try", **form)
    assert "It works" in browser.text
    await browser.send(f"{root}/try", **form | {"clientSecret": "another"})
    assert "It does not work yet" in browser.text
    await browser.send(f"{root}/try", **form | {"statementUrl": "https://10.0.0.1/x"})
    assert "1 field needs another look" in browser.text
    assert (await hub.acme.get(f"/api/integrations/{shown}")).json()["revision"] == 1


async def test_a_refresh_token_is_not_tried_before_it_is_kept(
    browser: Browser, keys: Keys, addresses: Addresses
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(ADD)
    form = to_the_sandbox(addresses, refreshToken="once")
    answer = await browser.send("/portal/integrations/try", **form)
    assert answer.status_code == 422
    assert "may be used up by a test" in browser.text
    assert "<details open>" in answer.text


async def test_numbers_left_blank_are_the_providers(browser: Browser, keys: Keys, hub: Hub) -> None:
    shown = await hub.integrate(batchSize=20, scope="all")
    root = f"/portal/integrations/{shown}"
    await browser.sign_in(keys["acme"])
    await browser.go(f"{root}/edit")
    assert 'value="20"' in browser.answer.text
    form = {**FORM, "clientSecret": "", "batchSize": "", "concurrency": "", "scope": ""}
    del form["provider"]
    await browser.send(f"{root}/edit", **form)
    assert "It is saved" in browser.text
    found = (await hub.acme.get(f"/api/integrations/{shown}")).json()
    assert (found["batchSize"], found["concurrency"], found["scope"]) == (None, None, None)


async def test_of_two_who_save_the_second_is_told(browser: Browser, keys: Keys, hub: Hub) -> None:
    shown = await hub.integrate()
    path, root = f"/api/integrations/{shown}", f"/portal/integrations/{shown}"
    await browser.sign_in(keys["acme"])
    await browser.go(f"{root}/edit")
    await hub.system.patch(path, json={"name": "By somebody else"})
    form = {**FORM, "clientSecret": "", "name": "By me", "revision": "1"}
    del form["provider"]

    answer = await browser.send(f"{root}/edit", **form)
    assert answer.status_code == 412
    assert "Somebody else changed it meanwhile" in browser.text
    assert 'value="By me"' in answer.text
    assert 'name="revision" value="2"' in answer.text
    await browser.send(f"{root}/edit", **form | {"revision": "2"})
    assert (await hub.acme.get(path)).json()["name"] == "By me"


async def test_who_has_every_provider_is_told_so(browser: Browser, keys: Keys, hub: Hub) -> None:
    await hub.integrate("lms")
    await hub.integrate("sso")
    await browser.sign_in(keys["acme"])
    await browser.go(ADD)
    assert "an integration with every provider there is" in browser.text
    assert "Client secret" not in browser.text


@pytest.fixture
async def many(hub: Hub) -> None:
    for number in range(OFFERED + 5):
        name = "Twins" if number in (3, 4) else f"Provider {number:03}"
        form = {"id": f"p-{number:03}", "name": name}
        (await hub.system.post("/api/providers", json=form)).raise_for_status()


@pytest.mark.usefixtures("many")
async def test_of_many_providers_one_is_typed_and_some_are_offered(
    browser: Browser, keys: Keys, hub: Hub, addresses: Addresses
) -> None:
    await browser.sign_in(keys["acme"])
    page = await browser.go(ADD)
    assert "<select" not in page.text
    assert page.text.count("<option") == OFFERED

    page = await browser.go("/portal/integrations/providers", providerName="vider 05")
    assert [*re.findall(r'value="([^"]+)"', page.text)] == [f"Provider 05{n}" for n in range(5)]

    await browser.go(ADD)
    form = {**to_the_sandbox(addresses), "provider": "", "providerName": "provider 054"}
    await browser.send("/portal/integrations", **form)
    assert "It is added" in browser.text
    (made,) = (await hub.acme.get("/api/programs/ACME/integrations")).json()["items"]
    assert made["provider"] == "p-054"


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nobody", "No free provider is called so"),
        ("provider 01", "Type the whole name, such as Provider 010, Provider 011"),
        ("twins", "Several are called so: type one of p-003, p-004."),
    ],
)
async def test_a_provider_that_is_not_clear_is_asked_for_again(
    browser: Browser, keys: Keys, addresses: Addresses, name: str, told: str
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(ADD)
    form = {**to_the_sandbox(addresses), "provider": "", "providerName": name}

    answer = await browser.send("/portal/integrations", **form)

    assert answer.status_code == 422
    assert told in browser.text
    assert f'value="{name}"' in answer.text
    await browser.send("/portal/integrations/try", **form)
    assert told in browser.text
    await browser.send("/portal/integrations/try", **{**form, "providerName": "P-003"})
    assert "It works" in browser.text
