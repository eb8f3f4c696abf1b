"""What every page of the portal holds to: asked one by one, so that no new page is forgotten."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from hub.portal.app import pages
from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import INPUT, Browser

Keys = dict[str, str]
ROUTES = [(path, method) for path, methods, _ in pages() for method in methods]
READ = sorted({path for path, method in ROUTES if method == "GET"})
SENT = sorted({path for path, method in ROUTES if method == "POST"})
NOTHING = "00000000-0000-4000-8000-000000000000"
NAME = re.compile(r"\{(\w+)\}")
FORM = re.compile(r"<form\b[^>]*>")
WRITING = re.compile(r'href="[^"]*/(?:add|edit|delete|revoke|test)(?:/[^"]*)?"')
FOR_ALL = {"/portal/sign-out", "/portal/programs"}
"""Forms that change nothing but what somebody looks at."""


async def a_world(hub: Hub) -> Mapping[str, str]:
    """Make one of everything that belongs to ACME; what paths may name, by its name."""
    integration = await hub.integrate()
    form = {"name": "Files", "kind": "csv", "recipe": "csv-completions"}
    source = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()["id"]
    rows = b"email,course_uri,completed_at\n"
    landed = await hub.acme.post(f"/api/sources/{source}/files?name=a.csv", content=rows)
    key = (await hub.acme.get("/api/keys/mine")).json()["keyId"]
    return {
        "integration_id": integration,
        "source_id": source,
        "file_id": landed.json()["fileId"],
        "key_id": key,
        "provider_id": "lms",
        "kind": "csv",
    }


def at(path: str, known: Mapping[str, str]) -> str:
    return "/portal" + NAME.sub(lambda found: known.get(found[1], NOTHING), path)


async def held(hub: Hub) -> str:
    """Give all that the registry holds of what a form could change."""
    asked = (
        *("programs", "programs/ACME/integrations", "programs/ACME/sources", "providers"),
        *("keys", "audit?limit=500"),
    )
    answers: list[Any] = [(await hub.system.get(f"/api/{path}")).json() for path in asked]
    # Health tells the time, and a key when it was last used.
    kept = re.sub(r'"(health|lastUsedAt|LastSyncUtc)": (\{[^}]*\}|[^,}]*)', "", json.dumps(answers))
    return kept.replace(" ", "")


async def test_every_form_without_its_token_is_refused(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    known = await a_world(hub)
    before = await held(hub)
    await browser.sign_in(keys["acme"])
    foreign = dict(INPUT.findall(browser.answer.text))["csrf"]
    browser.client.cookies.clear()
    await browser.sign_in(keys["admin"])
    await browser.send("/portal/programs", program="ACME")
    for path in SENT:
        for token in ({}, {"csrf": ""}, {"csrf": "ä"}, {"csrf": foreign}):
            answer = await browser.client.post(at(path, known), data=token)
            assert answer.status_code == 403, path
    assert await held(hub) == before


async def test_a_key_that_may_only_read_sees_nothing_that_writes(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    known = await a_world(hub)
    await browser.sign_in(keys["reader"])
    seen = 0
    for path in READ:
        answer = await browser.go(at(path, known))
        if answer.status_code in (403, 404, 422):
            continue
        assert answer.status_code == 200, path
        if 'class="modal"' in answer.text or path.endswith(("/test", "/edit")):
            # Nothing but a form, which nothing leads a reader to, and which is refused when sent.
            continue
        seen += 1
        for form in FORM.findall(answer.text):
            if 'method="post"' in form:
                (action,) = re.findall(r'action="([^"]*)"', form)
                assert action in FOR_ALL, f"{path} has a form to {action}"
        assert not WRITING.search(answer.text), f"{path}: {WRITING.findall(answer.text)}"
    assert seen > 10


async def test_a_form_of_a_key_that_may_only_read_is_refused(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    known = await a_world(hub)
    before = await held(hub)
    await browser.sign_in(keys["reader"])
    token = dict(INPUT.findall(browser.answer.text))["csrf"]
    for path in SENT:
        if f"/portal{path}" in FOR_ALL:
            continue
        query, form = {"csrf": token}, a_form(token)
        answer = await browser.client.post(at(path, known), params=query, data=form)
        # A form that is wrong in itself may be told so before it is refused.
        is_told = answer.status_code in {403, 404, 422}
        assert is_told or path.endswith("/try"), f"{path}: {answer.status_code}"
    assert await held(hub) == before


def a_form(token: str) -> dict[str, str]:
    """Give what any of the forms would take."""
    return {
        "csrf": token,
        "name": "Changed",
        "provider": "sso",
        "technicalEmails": "ops@example.org",
        "statementUrl": "https://lrs.example.org/statements",
        "authenticationUrl": "https://lrs.example.org/token",
        "clientId": "c",
        "clientSecret": "s",
        "status": "disabled",
        "retentionDays": "3",
        "verbs": "completed",
        "userId": "eve",
        "kind": "system",
        "verb": "discard",
        "sure": "yes",
        "since": "2026-01-01T00:00",
        "outcome": "delivered",
    }


async def test_what_belongs_to_others_is_not_there_like_what_is_missing(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    known = await a_world(hub)
    await browser.sign_in(keys["other"])
    for path in READ:
        if not NAME.search(path) or path.startswith("/sources/add/"):
            continue
        answer = await browser.go(at(path, known))
        if path.startswith("/admin/"):
            assert answer.status_code == 403, path
            continue
        missing = await browser.go(at(path, {}))
        # What wants a SYSTEM key, or more in its address, says so of either.
        assert answer.status_code in (403, 404, 422), path
        assert answer.status_code == missing.status_code, path
        assert anonymous(answer, known) == anonymous(missing, known), path


def anonymous(answer: httpx.Response, known: Mapping[str, str]) -> str:
    words = re.sub(r'value="[^"]*"', "", answer.text)
    for one in (*known.values(), NOTHING):
        words = words.replace(one, "*")
    return words
