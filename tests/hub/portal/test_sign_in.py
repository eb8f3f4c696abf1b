"""Signing in, sessions and how they end."""

import pytest

from hub.portal.sessions import IDLE, LONGEST, Guesses
from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser

Keys = dict[str, str]


async def test_whoever_has_no_session_is_asked_to_sign_in(browser: Browser) -> None:
    for path in ("/portal", "/portal/integrations", "/portal/integrations/x/parked"):
        answer = await browser.go(path)
        assert answer.url.path == "/portal/sign-in"
        assert "API key" in browser.text

    part = await browser.client.get("/portal/integrations/rows", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/portal/sign-in")


async def test_a_key_opens_the_integrations_of_its_program(browser: Browser, keys: Keys) -> None:
    answer = await browser.sign_in(keys["acme"])

    assert answer.url.path == "/portal/integrations"
    assert "There is no integration yet" in browser.text
    (cookie,) = browser.client.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    assert cookie.path == "/portal"
    assert keys["acme"] not in str(cookie.value)


async def test_a_wrong_key_is_refused_and_guessing_is_slowed(browser: Browser, hub: Hub) -> None:
    for _ in range(Guesses.free):
        answer = await browser.sign_in("lh_wrong")
        assert answer.status_code == 401
        assert "This key is not valid" in browser.text

    slowed = await browser.sign_in("lh_wrong")
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "1")
    hub.clock.move(seconds=1)
    assert (await browser.sign_in("lh_wrong")).status_code == 401
    assert (await browser.sign_in("lh_wrong")).headers["retry-after"] == "2"


async def test_a_form_of_another_page_cannot_sign_in(browser: Browser, keys: Keys) -> None:
    answer = await browser.client.post(
        "/portal/sign-in",
        data={"apiKey": keys["acme"]},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    assert not browser.client.cookies


@pytest.mark.parametrize("after", [IDLE, LONGEST])
async def test_a_session_ends_by_itself(
    browser: Browser, keys: Keys, hub: Hub, after: object
) -> None:
    await browser.sign_in(keys["acme"])
    hub.clock.move(seconds=(IDLE if after is IDLE else LONGEST).total_seconds() + 1)
    assert (await browser.go("/portal/integrations")).url.path == "/portal/sign-in"


async def test_whoever_is_here_stays_until_the_session_is_too_old(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["acme"])
    for _ in range(13):
        assert (await browser.go("/portal/integrations")).url.path == "/portal/integrations"
        hub.clock.move(minutes=54)
    hub.clock.move(minutes=30)
    assert (await browser.go("/portal/integrations")).url.path == "/portal/sign-in"


async def test_a_session_ends_with_its_key(browser: Browser, keys: Keys, hub: Hub) -> None:
    await browser.sign_in(keys["acme"])
    listed = (await hub.system.get("/api/keys")).json()["items"]
    (key,) = (one["keyId"] for one in listed if one["userId"] == "acme")
    assert (await hub.system.delete(f"/api/keys/{key}")).is_success
    hub.clock.move(seconds=6)

    assert (await browser.go("/portal/integrations")).url.path == "/portal/sign-in"


async def test_a_cookie_that_is_not_ours_is_no_session(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    (cookie,) = browser.client.cookies.jar
    payload, _, signature = str(cookie.value).partition(".")
    browser.client.cookies.clear()
    for forged in ("x", f"{payload}.", f"{payload[:-2]}AA.{signature}", f"{payload}.{payload}"):
        answer = await browser.client.get(
            "/portal/integrations", headers={"Cookie": f"hub_session={forged}"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/portal/sign-in")


async def test_signing_out_ends_the_session(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    await browser.send("/portal/sign-out")

    assert not browser.client.cookies
    assert (await browser.go("/portal/integrations")).url.path == "/portal/sign-in"
