"""Integrations over HTTP: made, shown, changed, deleted; and what is refused with its place."""

import pytest

from delivery.facts.integration import IntegrationId
from tests.hub.api.conftest import Hub, a_statement, an_integration, errors_of

PATH = "/api/programs/ACME/integrations"
PRIVATE = (
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://169.254.169.254/latest",
    "https://10.0.0.1/x",
    "https://0.0.0.0/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://100.64.0.1/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://[fe80::1]/x",
    "https://192.0.2.1/x",
)


async def test_an_integration_is_made_and_shown_without_its_secret(hub: Hub) -> None:
    answer = await hub.acme.post(PATH, json=an_integration())

    assert answer.status_code == 201
    shown = answer.json()
    assert answer.headers["location"] == f"/api/integrations/{shown['id']}"
    assert shown["hasClientSecret"] is True
    assert shown["version"] == 1
    assert shown["status"] == "active"
    assert shown["health"]["status"] == "flowing"
    assert "s3cr3t" not in answer.text
    again = await hub.reader.get(answer.headers["location"])
    assert again.json() == shown
    assert again.headers["etag"] == answer.headers["etag"]


async def test_a_second_integration_with_the_same_provider_is_a_conflict(hub: Hub) -> None:
    await hub.integrate()

    answer = await hub.acme.post(PATH, json=an_integration())

    assert answer.status_code == 409
    errors_of(answer)


async def test_integrations_are_listed_in_pages(hub: Hub) -> None:
    first = await hub.integrate("lms")
    hub.clock.move(seconds=1)
    second = await hub.integrate("sso")

    page = (await hub.reader.get(PATH, params={"limit": 1})).json()
    rest = (await hub.reader.get(PATH, params={"limit": 1, "cursor": page["next"]})).json()

    assert [one["id"] for one in page["items"] + rest["items"]] == [first, second]
    assert rest["next"] is None


async def names(hub: Hub, **query: str) -> list[str]:
    answer = await hub.reader.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


async def test_a_list_is_narrowed_by_words_and_by_how_deliveries_stand(hub: Hub) -> None:
    await hub.integrate("lms", name="100% Acme_LMS")
    hub.clock.move(seconds=1)
    await hub.integrate("sso", name="Other", status="disabled")
    await hub.system.patch("/api/providers/sso", json={"name": "Single Sign-On"})

    assert await names(hub, q="acme_") == ["100% Acme_LMS"]
    assert await names(hub, q="0%") == ["100% Acme_LMS"]
    assert await names(hub, q="SSO") == ["Other"]
    assert await names(hub, q="a%e") == []
    assert await names(hub, q="single sign") == ["Other"]
    assert await names(hub, state="flowing") == ["100% Acme_LMS"]
    assert await names(hub, state="disabled") == ["Other"]
    assert await names(hub, state="disabled", q="acme") == []
    assert await names(hub, state="parked") == []
    assert (await hub.reader.get(PATH, params={"state": "asleep"})).status_code == 422


async def test_a_list_says_how_many_there_are_on_all_its_pages(hub: Hub) -> None:
    await hub.integrate("lms", name="To the LMS")
    await hub.integrate("sso", name="To the SSO")
    for query, total in (({"limit": "1"}, 2), ({"q": "sso"}, 1), ({"state": "down"}, None)):
        answer = (await hub.reader.get(PATH, params=query)).json()
        assert answer["total"] == total


async def test_a_list_by_state_goes_on_where_it_was_full(hub: Hub) -> None:
    for n in range(5):
        await hub.system.post("/api/providers", json={"id": f"p{n}", "name": "n"})
        status = "disabled" if n % 2 else "active"
        await hub.integrate(f"p{n}", name=f"n{n}", status=status)
        hub.clock.move(seconds=1)
    found: list[str] = []
    query: dict[str, str] = {"state": "flowing", "limit": "1"}
    while True:
        page = (await hub.reader.get(PATH, params=query)).json()
        found += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]

    assert found == ["n0", "n2", "n4"]


async def test_a_list_by_state_is_empty_while_redis_is_away(hub: Hub) -> None:
    await hub.integrate()
    hub.redis.connected = False

    assert await names(hub, state="flowing") == []
    assert len(await names(hub)) == 1


async def test_contacts_are_a_list_or_a_text_with_commas(hub: Hub) -> None:
    written = "ops@example.org, second.ops+lms@mail.example.org,ops@example.org"

    answer = await hub.acme.post(PATH, json=an_integration(technicalEmails=written))

    expected = ["ops@example.org", "second.ops+lms@mail.example.org"]
    assert answer.json()["technicalEmails"] == expected


@pytest.mark.parametrize(
    ("fields", "pointer", "words"),
    [
        ({"name": "a\r\nBcc: x@y.z"}, "/name", "one line"),
        ({"name": ""}, "/name", "one line"),
        ({"name": None}, "/name", "one line"),
        ({"technicalEmails": "a@b.c\r\nBcc: x@y.z"}, "/technicalEmails", "no e-mail"),
        ({"technicalEmails": ["a@b.c", "x@y\n.z"]}, "/technicalEmails/1", "no e-mail"),
        ({"technicalEmails": "a@b.c\n"}, "/technicalEmails", "no e-mail"),
        ({"technicalEmails": ["Ann <a@b.c>"]}, "/technicalEmails/0", "no e-mail"),
        ({"technicalEmails": []}, "/technicalEmails", "1 to 20"),
        ({"technicalEmails": ""}, "/technicalEmails", "empty"),
        ({"technicalEmails": [f"a{n}@b.c" for n in range(21)]}, "/technicalEmails", "1 to 20"),
        ({"technicalEmails": 5}, "/technicalEmails", "must be"),
        ({"statementUrl": "http://lrs.example.org/"}, "/statementUrl", "https://"),
        ({"statementUrl": "ftp://lrs.example.org/"}, "/statementUrl", "https://"),
        ({"authenticationUrl": "https://u:p@lrs.example.org/"}, "/authenticationUrl", "password"),
        ({"clientId": ""}, "/clientId", "1 to 4000"),
        ({"clientSecret": 5}, "/clientSecret", "1 to 4000"),
        ({"scope": 'a"b'}, "/scope", "names"),
        ({"status": "paused"}, "/status", "active"),
        ({"batchSize": 0}, "/batchSize", "greater"),
        ({"batchSize": "5"}, "/batchSize", "integer"),
        ({"concurrency": 65}, "/concurrency", "less"),
        ({"provider": "unknown"}, "/provider", "no provider"),
        ({"extra": 1}, "/extra", "not a key"),
        *(({"statementUrl": url}, "/statementUrl", "") for url in PRIVATE),
    ],
    ids=str,
)
async def test_bad_fields_are_refused_with_their_place(
    hub: Hub, fields: dict[str, object], pointer: str, words: str
) -> None:
    answer = await hub.acme.post(PATH, json=an_integration(**fields))

    assert answer.status_code == 422
    assert words in errors_of(answer)[pointer]


async def test_a_missing_field_is_named(hub: Hub) -> None:
    answer = await hub.acme.post(PATH, json={"name": "x"})

    assert answer.status_code == 422
    assert errors_of(answer)["/statementUrl"] == "is missing"


async def test_a_key_that_stands_twice_is_refused(hub: Hub) -> None:
    answer = await hub.acme.post(PATH, content=b'{"name": "a", "name": "b"}')

    assert answer.status_code == 400
    assert errors_of(answer) == {"/name": "stands twice in the same object"}


async def test_a_change_of_name_keeps_the_version_and_the_secret(hub: Hub) -> None:
    integration = await hub.integrate()

    answer = await hub.acme.patch(
        f"/api/integrations/{integration}",
        json={"name": "New", "clientSecret": None, "clientId": "", "refreshToken": ""},
    )

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["version"]) == ("New", 1)
    assert answer.json()["clientId"] == "acme"
    assert answer.headers["etag"] == '"2"'


async def test_a_change_of_credentials_raises_the_version_and_rings(hub: Hub) -> None:
    integration = await hub.integrate()
    await hub.acme.post(f"/api/integrations/{integration}/statements", json=a_statement())
    hub.doorbell.rings.clear()

    answer = await hub.acme.patch(f"/api/integrations/{integration}", json={"clientSecret": "new"})

    assert answer.json()["version"] == 2
    assert hub.doorbell.rings


async def test_disabling_is_seen_at_once(hub: Hub) -> None:
    integration = await hub.integrate()

    answer = await hub.acme.patch(f"/api/integrations/{integration}", json={"status": "disabled"})

    assert answer.json()["status"] == "disabled"
    assert answer.json()["health"]["status"] == "disabled"


async def test_all_other_fields_change_too(hub: Hub) -> None:
    integration = await hub.integrate()
    changes: dict[str, object] = {
        "technicalEmails": "new@example.org",
        "statementUrl": "https://new.example.org/",
        "authenticationUrl": "https://new.example.org/token",
        "clientId": "new",
        "batchSize": 50,
        "concurrency": 4,
        "scope": "xapi:write",
    }

    answer = await hub.acme.patch(f"/api/integrations/{integration}", json=changes)
    reset = await hub.acme.patch(
        f"/api/integrations/{integration}", json={"batchSize": None, "scope": ""}
    )

    assert answer.json().items() >= {**changes, "technicalEmails": ["new@example.org"]}.items()
    assert (reset.json()["batchSize"], reset.json()["scope"]) == (None, None)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"statementUrl": ""}, "/statementUrl"),
        ({"statementUrl": "https://10.0.0.1/"}, "/statementUrl"),
        ({"technicalEmails": "nobody"}, "/technicalEmails"),
        ({"provider": "sso"}, "/provider"),
    ],
    ids=str,
)
async def test_bad_changes_are_refused_with_their_place(
    hub: Hub, changes: dict[str, object], pointer: str
) -> None:
    answer = await hub.acme.patch(f"/api/integrations/{await hub.integrate()}", json=changes)

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {pointer}


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        *(('"1"', 200), ("1", 200), ("*", 200)),
        *(('"7"', 412), ('W/"1"', 412), ("x", 412), ("9" * 5000, 412)),
    ],
    ids=["quoted", "bare", "any", "another", "weak", "no number", "too long"],
)
async def test_a_change_can_be_bound_to_what_was_seen(hub: Hub, if_match: str, status: int) -> None:
    path = f"/api/integrations/{await hub.integrate()}"

    answer = await hub.acme.patch(path, json={"name": "New"}, headers={"If-Match": if_match})

    assert answer.status_code == status


async def test_an_empty_integration_is_deleted(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}"

    answer = await hub.acme.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    for gone in (await hub.acme.get(path), await hub.acme.delete(path)):
        assert gone.status_code == 404
    taken = await hub.acme.post(f"{path}/statements", json=a_statement())
    assert taken.status_code == 404


async def test_an_integration_with_statements_is_deleted_only_with_them(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}"
    await hub.acme.post(f"{path}/statements", json=[a_statement(), a_statement()])

    refused = await hub.acme.delete(path)
    untouched = await hub.acme.get(path)
    deleted = await hub.acme.delete(path, params={"discard": "true"})

    assert refused.status_code == 409
    assert "2 statements" in refused.json()["detail"]
    assert untouched.status_code == 200
    assert deleted.status_code == 204


async def test_a_deletion_goes_on_where_another_was_cut_short(hub: Hub) -> None:
    integration_id = await hub.integrate()
    path = f"/api/integrations/{integration_id}"
    await hub.house.integrations.mark_deleting(IntegrationId(integration_id), by="test")

    hidden = await hub.acme.get(path)
    again = await hub.acme.delete(path)

    assert (hidden.status_code, again.status_code) == (404, 204)


async def test_a_deletion_while_redis_is_away_changes_nothing(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}"
    hub.redis.connected = False
    away = await hub.acme.delete(path, params={"discard": "true"})
    hub.redis.connected = True

    untouched = await hub.acme.get(path)
    again = await hub.acme.delete(path)

    assert (away.status_code, untouched.status_code, again.status_code) == (503, 200, 204)


async def test_a_redis_that_is_away_hides_health_and_nothing_else(hub: Hub) -> None:
    integration = await hub.integrate()
    hub.redis.connected = False

    shown = await hub.acme.get(f"/api/integrations/{integration}")
    changed = await hub.acme.patch(f"/api/integrations/{integration}", json={"name": "New"})

    assert (shown.status_code, shown.json()["health"]) == (200, None)
    assert (changed.status_code, changed.json()["name"]) == (200, "New")


async def test_who_may_not_write_may_not_change(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}"
    answers = [
        (await client.request(method, path, json={"name": "x"} if method == "PATCH" else None))
        for client in (hub.reader, hub.other, hub.nobody)
        for method in ("PATCH", "DELETE")
    ]
    created = [
        (await client.post(PATH, json=an_integration())).status_code
        for client in (hub.reader, hub.other, hub.nobody)
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 404, 404, 401, 401]
    assert created == [403, 404, 401]
    for answer in answers:
        errors_of(answer)
