"""Statements over HTTP: what is taken, and what is refused with its place."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from delivery.facts.errors import StoreFull
from delivery.stores.headroom import Headroom
from tests.hub.api.conftest import Hub, a_statement, errors_of

VERSION = {"X-Experience-API-Version": "1.0.3"}
ID = "7c4ab3a5-63c5-4d51-8a1b-1d2a4d1f2f7e"


async def queued(hub: Hub, integration: str) -> int:
    answer = await hub.acme.get(f"/api/integrations/{integration}")
    return int(answer.json()["health"]["queued"])


async def test_a_statement_is_taken_and_rung_for(hub: Hub) -> None:
    integration = await hub.integrate()

    answer = await hub.acme.post(f"/api/integrations/{integration}/statements", json=a_statement())

    assert answer.status_code == 202
    (accepted,) = answer.json()["accepted"]
    receipt = await hub.acme.get(f"/api/integrations/{integration}/statements/{accepted.upper()}")
    assert receipt.json()["state"] == "queued"
    assert receipt.json()["acceptedAt"] == "2026-03-02T09:00:00Z"
    assert hub.doorbell.rings[-1][1] == [integration]


async def test_the_same_statement_again_is_a_duplicate(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    await hub.acme.post(path, json=a_statement(id=ID))

    answer = await hub.acme.post(path, json=[a_statement(id=ID), a_statement()])

    assert answer.json()["duplicates"] == [ID]
    assert len(answer.json()["accepted"]) == 1


async def test_a_known_id_with_other_content_is_a_conflict(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    await hub.acme.post(path, json=a_statement(id=ID))

    answer = await hub.acme.post(path, json=a_statement(id=ID, result={"success": True}))

    assert answer.status_code == 409
    assert ID in answer.json()["detail"]
    errors_of(answer)


async def test_one_invalid_statement_and_nothing_is_taken(hub: Hub) -> None:
    integration = await hub.integrate()
    wrong = a_statement(actor={"mbox": "ann"})

    answer = await hub.acme.post(
        f"/api/integrations/{integration}/statements", json=[a_statement(), wrong]
    )

    assert answer.status_code == 400
    assert list(errors_of(answer)) == ["/1/actor/mbox"]
    assert await queued(hub, integration) == 0


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "line 1, column 1"),
        (b"{nope", 400, "line 1, column 2"),
        (b'{"a": NaN}', 400, "NaN"),
        (b'{"a": 1, "a": 2}', 400, "stands twice"),
        (b"\xff", 400, "UTF-8"),
        (b"[" * 9_000, 400, "nested too deeply"),
        (json.dumps([a_statement()] * 11).encode(), 413, "at most 10"),
        (b" " * 20_001, 413, "at most 20000 bytes"),
        (json.dumps(a_statement(extra=None)).encode(), 400, "/extra"),
        (json.dumps([a_statement(id=ID)] * 2).encode(), 400, "/1/id"),
    ],
    ids=["empty", "syntax", "nan", "twice", "utf8", "deep", "many", "large", "null", "ids"],
)
async def test_bad_bodies_get_a_clear_answer(
    hub: Hub, body: bytes, status: int, words: str
) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"

    answer = await hub.acme.post(path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status
    assert words in answer.text
    errors_of(answer)


async def test_a_body_without_a_length_is_cut_off_at_the_bound(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000:
            sent += 1
            yield b" " * 1_000

    answer = await hub.acme.post(path, content=endless())

    assert answer.status_code == 413
    assert sent < 30
    errors_of(answer)


async def test_a_body_that_says_it_is_too_large_is_not_read(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    was_read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal was_read
        was_read = True
        yield b"[]"

    answer = await hub.acme.post(path, content=body(), headers={"Content-Length": "20001"})

    assert answer.status_code == 413
    assert not was_read
    errors_of(answer)


async def test_another_media_type_is_refused(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"

    answer = await hub.acme.post(path, content=b"x", headers={"Content-Type": "multipart/mixed"})

    assert answer.status_code == 415
    errors_of(answer)


async def test_without_a_valid_key_nothing_is_taken(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"

    for headers in (
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic bm9jb2xvbg=="},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Digest x"},
        {"Authorization": "Bearer " + "x" * 5_000},
    ):
        answer = await hub.nobody.post(path, json=a_statement(), headers=headers)

        assert answer.status_code == 401
        assert "Basic" in answer.headers["www-authenticate"]
        errors_of(answer)


async def test_a_key_works_as_bearer_too(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    created = await hub.house.keys.create("b", system=True, rights={}, by="test")

    answer = await hub.nobody.post(
        path, json=a_statement(), headers={"Authorization": f"Bearer {created.api_key}"}
    )

    assert answer.status_code == 202


async def test_a_key_that_may_only_read_is_forbidden(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"

    answer = await hub.reader.post(path, json=a_statement())

    assert answer.status_code == 403
    errors_of(answer)


async def test_another_programs_integration_is_not_there(hub: Hub) -> None:
    integration = await hub.integrate()

    for path in (integration, str(uuid4()), "x", "%00", "a" * 500):
        answer = await hub.other.post(f"/api/integrations/{path}/statements", json=a_statement())

        assert answer.status_code == 404
        errors_of(answer)


async def test_the_seeds_shapes_pass_where_the_provider_takes_them(hub: Hub) -> None:
    sent = a_statement(actor={"account": {"name": "ann"}}, object={"id": ID})
    strict, lenient = await hub.integrate("lms"), await hub.integrate("sso")

    refused = await hub.acme.post(f"/api/integrations/{strict}/statements", json=sent)
    taken = await hub.acme.post(f"/api/integrations/{lenient}/statements", json=sent)

    assert errors_of(refused).keys() == {"/actor/account/homePage", "/object/id"}
    assert taken.status_code == 202


async def test_statements_for_a_disabled_integration_are_held(hub: Hub) -> None:
    integration = await hub.integrate(status="disabled")

    answer = await hub.acme.post(f"/api/integrations/{integration}/statements", json=a_statement())

    assert answer.status_code == 202
    assert await queued(hub, integration) == 1


async def test_an_emptied_redis_hears_of_the_integration_again(hub: Hub) -> None:
    integration = await hub.integrate()
    await hub.house.control.store.redis.flushall()

    answer = await hub.acme.post(f"/api/integrations/{integration}/statements", json=a_statement())

    assert answer.status_code == 202


async def test_a_redis_that_is_away_is_told_as_such(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    hub.redis.connected = False

    answer = await hub.acme.post(path, json=a_statement())

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    errors_of(answer)


async def test_a_redis_without_memory_is_told_as_such(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"

    def check(_: Headroom) -> None:
        raise StoreFull("used memory 99 of 100")

    monkeypatch.setattr(Headroom, "check", check)
    answer = await hub.acme.post(path, json=a_statement())

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 2
    assert "no memory" in answer.text
    errors_of(answer)


async def test_a_full_queue_asks_to_come_back_later(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    for _ in range(10):
        await hub.acme.post(path, json=[a_statement()] * 10)

    answer = await hub.acme.post(path, json=a_statement())

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    errors_of(answer)


async def test_an_xapi_client_posts_as_to_any_lrs(hub: Hub) -> None:
    path = f"/xapi/{await hub.integrate()}/statements"
    sent = [a_statement(), a_statement(id=ID)]

    answer = await hub.acme.post(path, json=sent, headers=VERSION)
    again = await hub.acme.post(path, json=sent[1], headers=VERSION)

    assert answer.status_code == 200
    assert answer.json()[1] == ID
    assert answer.headers["x-experience-api-version"] == "1.0.3"
    assert again.json() == [ID]


async def test_an_xapi_client_puts_one_statement(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/xapi/{integration}/statements?statementId={ID}"

    first = await hub.acme.put(path, json=a_statement(), headers=VERSION)
    again = await hub.acme.put(path, json=a_statement(id=ID), headers=VERSION)

    assert (first.status_code, again.status_code) == (204, 204)
    assert first.content == b""
    assert await queued(hub, integration) == 1


@pytest.mark.parametrize(
    ("method", "query", "headers", "status", "words"),
    [
        ("POST", "", {}, 400, "X-Experience-API-Version"),
        ("POST", "", {"X-Experience-API-Version": "0.95"}, 400, "0.95"),
        ("POST", "?method=PUT", VERSION, 400, "method"),
        ("PUT", "", VERSION, 400, "statementId"),
        ("PUT", "?statementId=1", VERSION, 400, "UUID"),
        ("PUT", f"?statementid={ID}", VERSION, 400, "statementid"),
        ("PUT", f"?statementId={uuid4()}", VERSION, 400, "/id"),
        ("GET", "", VERSION, 405, "Method Not Allowed"),
    ],
    ids=["no-version", "version", "syntax", "no-id", "bad-id", "case", "other-id", "get"],
)
async def test_what_xapi_does_not_allow_is_refused(
    hub: Hub, method: str, query: str, headers: dict[str, str], status: int, words: str
) -> None:
    path = f"/xapi/{await hub.integrate()}/statements{query}"

    answer = await hub.acme.request(method, path, json=a_statement(id=ID), headers=headers)

    assert answer.status_code == status
    assert words in answer.text
    assert answer.headers["x-experience-api-version"] == "1.0.3"
    errors_of(answer)


async def test_xapi_2_is_spoken_too(hub: Hub) -> None:
    path = f"/xapi/{await hub.integrate()}/statements"
    sent = a_statement(context={"contextAgents": []})

    second = await hub.acme.post(path, json=sent, headers={"X-Experience-API-Version": "2.0.0"})
    first = await hub.acme.post(path, json=sent, headers=VERSION)

    assert second.status_code == 200
    assert second.headers["x-experience-api-version"] == "2.0.0"
    assert errors_of(first).keys() == {"/context/contextAgents"}


async def test_about_says_which_versions_are_spoken(hub: Hub) -> None:
    path = f"/xapi/{await hub.integrate()}/about"

    answer = await hub.reader.get(path)
    stranger = await hub.nobody.get(path)
    other = await hub.other.get(path)

    assert answer.json() == {"version": ["1.0.3", "2.0.0"]}
    assert (stranger.status_code, other.status_code) == (401, 404)
    assert stranger.headers["x-experience-api-version"] == "1.0.3"


async def test_sql_is_asked_once_in_two_seconds_for_an_integration(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}/statements"
    await hub.acme.post(path, json=a_statement())
    sent = a_statement(object={"id": ID})
    await hub.house.providers.change("lms", {"object_id_template": "urn:uuid:{id}"}, by="test")

    before = await hub.acme.post(path, json=sent)
    hub.clock.move(seconds=2)
    after = await hub.acme.post(path, json=sent)

    assert (before.status_code, after.status_code) == (400, 202)


async def test_a_bug_is_answered_without_a_trace(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(hub.house.intake), "accept", broken)
    answer = await hub.acme.post(path, json=a_statement(), headers={"X-Request-Id": "abc-1"})

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "abc-1"
    assert "secret detail" not in answer.text
    assert "abc-1" in answer.json()["detail"]
    errors_of(answer)


async def test_every_answer_carries_a_request_id(hub: Hub) -> None:
    forged = {"X-Request-Id": "a b<script>"}
    answers: list[httpx.Response] = [
        await hub.nobody.get("/healthz", headers=forged),
        await hub.nobody.get("/nowhere"),
    ]

    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert all(len(one) == 32 for one in ids)
