"""A secret goes to the server that it was given for, and no other, whoever changes the source."""

from typing import Any

import httpx
import pytest

from tests.hub.api.conftest import Hub

POLL = {"kind": "poll", "name": "An API", "url": "https://api.example.org/v1/rows"}
TOKENS = "https://login.example.org/token"
BASIC = {"type": "basic", "username": "us", "password": "s3cr3t"}
BEARER = {"type": "bearer", "token": "s3cr3t"}
HEADER = {"type": "header", "header": "X-API-Key", "token": "s3cr3t"}
OAUTH2 = {"type": "oauth2", "tokenUrl": TOKENS, "clientId": "us", "clientSecret": "s3cr3t"}
BUCKET = {
    "kind": "bucket",
    "name": "A bucket",
    "url": "s3://exports",
    "endpoint": "https://minio.example.org",
    "accessKeyId": "us",
    "secretAccessKey": "s3cr3t",
}
ELSEWHERE = "https://evil.example.org/v1/rows"


async def make(hub: Hub, said: dict[str, Any]) -> str:
    made = await hub.acme.post("/api/programs/ACME/sources", json=said)
    assert made.status_code == 201, made.text
    return f"/api/sources/{made.json()['id']}"


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [one["pointer"] for one in answer.json()["errors"]]


def without(auth: dict[str, str], **changed: str) -> dict[str, str]:
    return {name: value for name, value in auth.items() if value != "s3cr3t"} | changed


@pytest.mark.parametrize(
    ("said", "change", "pointer"),
    [
        ({**POLL, "auth": BASIC}, {"url": ELSEWHERE}, "/auth/password"),
        ({**POLL, "auth": BEARER}, {"url": ELSEWHERE}, "/auth/token"),
        ({**POLL, "auth": BEARER}, {"url": "http://api.example.org/v1/rows"}, "/auth/token"),
        ({**POLL, "auth": BEARER}, {"url": "https://api.example.org:444/"}, "/auth/token"),
        ({**POLL, "auth": BEARER}, {"url": "https://api.example.org@evil.example/"}, "/auth/token"),
        ({**POLL, "auth": HEADER}, {"url": ELSEWHERE}, "/auth/token"),
        ({**POLL, "auth": OAUTH2}, {"url": ELSEWHERE}, "/auth/clientSecret"),
        (
            {**POLL, "auth": OAUTH2},
            {"auth": without(OAUTH2, tokenUrl=ELSEWHERE)},
            "/auth/clientSecret",
        ),
        (BUCKET, {"endpoint": "https://evil.example.org"}, "/secretAccessKey"),
        (BUCKET, {"endpoint": None}, "/secretAccessKey"),
    ],
)
async def test_another_server_needs_the_secret_again(
    hub: Hub, said: dict[str, Any], change: dict[str, Any], pointer: str
) -> None:
    path = await make(hub, said)
    blank = {"secretAccessKey": ""} if said is BUCKET else {}

    refused = await hub.acme.patch(path, json={**change, **blank})

    assert pointers(refused) == [pointer]
    assert "must be given again" in refused.text
    shown = (await hub.acme.get(path)).json()
    assert (shown["url"], shown["revision"]) == (said["url"], 1)


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ({**POLL, "auth": BASIC}, {"url": "https://API.example.org:443/v2/others?since=1"}),
        ({**POLL, "auth": BEARER}, {"name": "x", "url": POLL["url"]}),
        ({**POLL, "auth": OAUTH2}, {"auth": without(OAUTH2, tokenUrl=f"{TOKENS}/2")}),
        ({**POLL, "auth": "none"}, {"url": ELSEWHERE}),
        ({**POLL, "auth": BEARER}, {"url": ELSEWHERE, "auth": {**BEARER, "token": "new"}}),
        (BUCKET, {"url": "s3://others", "prefix": "in/", "region": "eu-west-1"}),
        (BUCKET, {"endpoint": None, "secretAccessKey": "new"}),
        (
            {"kind": "webhook", "name": "x", "signature": "github", "secret": "s3cr3t"},
            {"signature": "stripe"},
        ),
    ],
)
async def test_the_same_server_or_a_secret_that_is_given_again_will_do(
    hub: Hub, said: dict[str, Any], change: dict[str, Any]
) -> None:
    path = await make(hub, said)
    before = (await hub.acme.get(path)).json()

    changed = await hub.acme.patch(path, json=change)

    assert changed.status_code == 200, changed.text
    assert changed.json()["secrets"] == before["secrets"]


async def test_no_way_round_leads_a_secret_elsewhere(hub: Hub) -> None:
    path = await make(hub, {**POLL, "auth": BEARER})

    away = await hub.acme.patch(path, json={"url": ELSEWHERE, "auth": {"type": "none"}})
    assert (away.status_code, away.json()["secrets"]) == (200, [])

    back = await hub.acme.patch(path, json={"auth": {"type": "bearer"}})
    assert pointers(back) == ["/auth"]


async def test_a_key_in_a_header_of_its_own_is_never_shown(hub: Hub) -> None:
    path = await make(hub, {**POLL, "auth": HEADER})

    shown = await hub.acme.get(path)

    assert "s3cr3t" not in shown.text
    assert shown.json()["secrets"] == ["auth.token"]
    assert shown.json()["auth"]["header"] == "X-API-Key"
