"""Signing in, sessions and how they end."""

import re

import pytest

from hub.portal.door.guesses import Guesses
from hub.portal.door.sessions import IDLE, LONGEST
from tests.fakes.clock import FakeClock
from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import INPUT, Browser

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
    page = await browser.go("/portal/sign-in")
    form = {"apiKey": keys["acme"], "csrf": dict(INPUT.findall(page.text))["csrf"]}
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site}
        answer = await browser.client.post("/portal/sign-in", data=form, headers=headers)
        assert answer.status_code == 403
        assert "hub_session" not in browser.client.cookies
    for token in ("", "wrong", "ä"):
        answer = await browser.client.post("/portal/sign-in", data={**form, "csrf": token})
        assert answer.status_code == 403
        assert "hub_session" not in browser.client.cookies


async def test_a_sign_in_form_counts_only_in_the_browser_that_was_shown_it(
    browser: Browser, keys: Keys
) -> None:
    page = await browser.go("/portal/sign-in")
    form = {"apiKey": keys["acme"], "csrf": dict(INPUT.findall(page.text))["csrf"]}
    browser.client.cookies.clear()
    for door in ("", "x", "AAAA.AAAA"):
        headers = {"Cookie": f"hub_door={door}"}
        answer = await browser.client.post("/portal/sign-in", data=form, headers=headers)
        assert answer.status_code == 403
        assert "keeps no cookies" in answer.text
        browser.client.cookies.clear()

    first, second = await browser.go("/portal/sign-in"), await browser.go("/portal/sign-in")
    assert INPUT.findall(first.text) == INPUT.findall(second.text)
    answer = await browser.send("/portal/sign-in", apiKey=keys["acme"])
    assert answer.url.path == "/portal/integrations"


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
        to = "/portal/sign-in?next=%2Fportal%2Fintegrations"
        assert (answer.status_code, answer.headers["location"]) == (303, to)


async def test_signing_out_ends_the_session(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    await browser.send("/portal/sign-out")

    assert "hub_session" not in browser.client.cookies
    assert (await browser.go("/portal/integrations")).url.path == "/portal/sign-in"


async def test_whoever_signs_in_goes_on_to_the_page_that_was_asked_for(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    path = f"/portal/integrations/{await hub.integrate()}/attempts"
    await browser.go(f"{path}?status=503")
    assert browser.answer.url.path == "/portal/sign-in"
    held = dict(INPUT.findall(browser.answer.text))
    answer = await browser.send("/portal/sign-in", apiKey="lh_wrong", next=held["next"])
    assert dict(INPUT.findall(answer.text))["next"] == f"{path}?status=503"
    answer = await browser.send("/portal/sign-in", apiKey=keys["acme"], next=held["next"])
    assert (answer.url.path, answer.url.query) == (path, b"status=503")

    browser.client.cookies.clear()
    live = {"HX-Request": "true", "HX-Current-URL": f"http://hub{path}?status=503"}
    part = await browser.client.get("/portal/integrations/rows", headers=live)
    assert part.headers["hx-redirect"].endswith("attempts%3Fstatus%3D503")


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/portal/",
        "//evil.example/portal/",
        "/portal//evil.example",
        "/portal/../../evil",
        "/portal/%2E%2e/evil",
        "/portal\\evil.example",
        "/\\evil.example",
        "/portal/\nLocation: https://evil.example",
        "/portals",
        "/docs",
        "/portal/sign-out",
        "javascript:alert(1)",
        "/portal/ä",
    ],
)
async def test_nobody_is_led_elsewhere(browser: Browser, keys: Keys, path: str) -> None:
    page = await browser.go("/portal/sign-in", next=path)
    form = {"apiKey": keys["acme"], "csrf": dict(INPUT.findall(page.text))["csrf"], "next": path}
    answer = await browser.client.post("/portal/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal")


async def test_a_system_key_chooses_among_very_many_programs(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    for number in range(60):
        await hub.house.programs.create(f"P{number:03}", f"Program {number}", by="test")
    answer = await browser.sign_in(keys["admin"])
    assert answer.url.path == "/portal/programs"
    assert "P048" not in browser.text
    (further,) = re.findall(r'rel="next" href="([^"]+)"', answer.text)
    await browser.go("/portal/programs" + further.replace("&amp;", "&"))
    assert "P059" in browser.text
    await browser.go("/portal/programs", q="gram 59")
    assert "P059" in browser.text
    assert "P058" not in browser.text
    await browser.go("/portal/programs", q="nothing so")
    assert "No program fits the filter" in browser.text
    await browser.go("/portal/programs", q="P059")
    assert (await browser.send("/portal/programs", program="P059")).url.path.endswith("s")
    assert "P059" in browser.text
    for program in ("NOWHERE", "", "P059/eventSubs", "../keys"):
        await browser.go("/portal/programs")
        assert (await browser.send("/portal/programs", program=program)).status_code == 404


async def test_a_key_cannot_choose_a_program_it_may_not_read(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go("/portal/programs")
    assert "OTHER" not in browser.text
    assert (await browser.send("/portal/programs", program="OTHER")).status_code == 404


def test_guessing_from_everywhere_slows_only_those_who_are_not_known() -> None:
    clock = FakeClock()
    guesses = Guesses(clock)
    guesses.note("192.0.2.1", succeeded=True)
    for number in range(Guesses.crowd):
        assert not guesses.wait(f"198.51.100.{number}")
        guesses.note(f"198.51.100.{number}", succeeded=False)

    assert guesses.wait("203.0.113.9") == Guesses.crowd_within
    assert not guesses.wait("192.0.2.1")
    clock.move(seconds=60)
    assert not guesses.wait("203.0.113.9")


def test_guesses_from_one_network_count_together_and_are_forgotten_in_the_end() -> None:
    clock = FakeClock()
    guesses = Guesses(clock)
    for number in range(Guesses.free + 20):
        guesses.note(f"2001:db8::{number}", succeeded=False)
    assert guesses.wait("2001:db8::ffff") == Guesses.longest
    assert not guesses.wait("::ffff:192.0.2.7")
    clock.move(minutes=2)
    assert not guesses.wait("2001:db8:0:1::1")
    for number in range(Guesses.most + 5):
        guesses.note(f"host {number}", succeeded=False)
        clock.move(seconds=1)
    assert not guesses.wait("2001:db8::ffff")
