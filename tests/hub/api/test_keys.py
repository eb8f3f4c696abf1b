"""API keys over HTTP, and the header that warns of their end."""

from datetime import timedelta

import httpx
import pytest

from tests.hub.api.conftest import Hub, errors_of

PATH = "/api/keys"
EXPIRES = "x-api-key-expires"


async def make(hub: Hub, **fields: object) -> httpx.Response:
    return await hub.system.post(PATH, json={"userId": "ann", **fields})


async def ask(hub: Hub, path: str, api_key: str) -> httpx.Response:
    return await hub.nobody.get(path, headers={"Authorization": f"Bearer {api_key}"})


async def test_a_key_is_shown_once_and_serves_at_once(hub: Hub) -> None:
    made = await make(hub, programs={"ACME": "read"}, expiresAt="2027-03-02T10:00:00+01:00")

    created = made.json()
    api_key, key_id = created.pop("apiKey"), created["keyId"]
    assert made.status_code == 201
    assert made.headers["location"] == f"/api/keys/{key_id}"
    assert created == {
        "keyId": key_id,
        "userId": "ann",
        "system": False,
        "programs": {"ACME": "read"},
        "createdAt": "2026-03-02T09:00:00Z",
        "expiresAt": "2027-03-02T09:00:00Z",
        "revokedAt": None,
        "lastUsedAt": None,
    }
    assert (await ask(hub, "/api/programs/ACME", api_key)).status_code == 200
    assert (await ask(hub, "/api/programs/OTHER", api_key)).status_code == 404
    shown = await hub.system.get(f"{PATH}/{key_id}")
    assert shown.json() == created
    assert api_key not in shown.text


async def test_keys_are_listed_newest_first_without_the_keys(hub: Hub) -> None:
    for number in range(3):
        hub.clock.move(seconds=1)
        await make(hub, userId=f"ann-{number}", system=True)

    first = (await hub.system.get(PATH, params={"limit": 2})).json()
    rest = (await hub.system.get(PATH, params={"cursor": first["next"]})).json()
    of_one = (await hub.system.get(PATH, params={"userId": "ann-1"})).json()

    assert [one["userId"] for one in first["items"]] == ["ann-2", "ann-1"]
    assert rest["items"][0]["userId"] == "ann-0"
    assert rest["next"] is None
    assert [one["userId"] for one in of_one["items"]] == ["ann-1"]
    assert "apiKey" not in first["items"][0]


async def test_a_revoked_key_serves_no_more_and_stays_in_the_list(hub: Hub) -> None:
    created = (await make(hub, system=True)).json()
    path = f"{PATH}/{created['keyId']}"

    revoked = await hub.system.delete(path)
    again = await hub.system.delete(path)

    assert (revoked.status_code, revoked.content) == (204, b"")
    assert again.status_code == 204
    assert (await ask(hub, PATH, created["apiKey"])).status_code == 401
    assert (await hub.system.get(path)).json()["revokedAt"] == "2026-03-02T09:00:00Z"


async def test_a_key_may_look_at_itself(hub: Hub) -> None:
    mine = await hub.reader.get(f"{PATH}/mine")

    assert mine.json()["userId"] == "reader"
    assert mine.json()["programs"] == {"ACME": "read"}


async def test_only_system_keys_deal_with_keys(hub: Hub) -> None:
    own = (await hub.acme.get(f"{PATH}/mine")).json()["keyId"]

    async def statuses(client: httpx.AsyncClient) -> list[int]:
        return [
            (await client.post(PATH, json={"userId": "eve", "system": True})).status_code,
            (await client.get(PATH)).status_code,
            (await client.get(f"{PATH}/{own}")).status_code,
            (await client.delete(f"{PATH}/{own}")).status_code,
        ]

    assert await statuses(hub.acme) == [403] * 4
    assert await statuses(hub.nobody) == [401] * 4
    assert (await hub.nobody.get(f"{PATH}/mine")).status_code == 401
    assert await statuses(hub.system) == [201, 200, 200, 204]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/programs"),
        ({"userId": "a:b", "system": True}, "/userId"),
        ({"userId": "", "system": True}, "/userId"),
        ({"programs": {"ACME": "admin"}}, "/programs/ACME"),
        ({"programs": {"ACME": "read", "NO/NE": "write"}}, "/programs/NO~1NE"),
        ({"system": True, "expiresAt": "2026-03-02T09:00:00Z"}, "/expiresAt"),
        ({"system": True, "expiresAt": "2027-03-02"}, "/expiresAt"),
        ({"system": "yes"}, "/system"),
        ({"system": True, "apiKey": "mine"}, "/apiKey"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_told_with_its_place(
    hub: Hub, fields: dict[str, object], pointer: str
) -> None:
    answer = await make(hub, **fields)

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {pointer}


async def test_a_key_that_is_not_there_is_404(hub: Hub) -> None:
    answers = [
        await hub.system.get(f"{PATH}/0123456789abcdef"),
        await hub.system.delete(f"{PATH}/0123456789abcdef"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    for answer in answers:
        errors_of(answer)


async def test_every_answer_to_a_key_that_ends_within_a_month_says_when(hub: Hub) -> None:
    ends = hub.clock() + timedelta(days=30, seconds=1)
    api_key = (await make(hub, programs={"ACME": "read"}, expiresAt=ends.isoformat())).json()[
        "apiKey"
    ]
    integration = await hub.integrate()
    paths = (
        "/api/programs/ACME",
        "/api/programs/OTHER",
        "/api/keys",
        f"/xapi/{integration}/about",
        "/events/ACME",
        "/api/programs/ACME?limit",
    )

    early = [await ask(hub, path, api_key) for path in paths]
    hub.clock.move(seconds=1)
    late = [await ask(hub, path, api_key) for path in paths]

    assert {answer.status_code for answer in late} == {200, 403, 404}
    assert [EXPIRES in answer.headers for answer in early] == [False] * len(paths)
    assert {answer.headers[EXPIRES] for answer in late} == {"2026-04-01T09:00:01Z"}
    assert EXPIRES not in (await hub.system.get("/api/programs/ACME")).headers
    assert EXPIRES not in (await hub.nobody.get("/healthz")).headers
