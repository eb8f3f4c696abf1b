"""Programs and providers over HTTP."""

import pytest

from tests.hub.api.conftest import Hub, errors_of


@pytest.mark.parametrize("prefix", ["/api", ""])
async def test_a_program_is_made_and_shown_without_its_key(hub: Hub, prefix: str) -> None:
    sent = {
        "ProgramId": "NEW.1",
        "Name": "New",
        "LbApiUrl": "https://lb.example.org",
        "LbApiKey": "s3cr3t",
    }

    answer = await hub.system.post(f"{prefix}/programs", json=sent)
    again = await hub.system.post(f"{prefix}/programs", json=sent)
    shown = await hub.system.get(f"{prefix}/programs/NEW.1")

    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["location"] == "/programs/NEW.1"
    assert again.status_code == 409
    assert shown.json() == {
        "ProgramId": "NEW.1",
        "Name": "New",
        "LbApiUrl": "https://lb.example.org",
        "HasLbApiKey": True,
        "TechnicalEmails": [],
        "NightlySync": None,
        "NextSyncUtc": None,
        "CreatedUtc": "2026-03-02T09:00:00Z",
    }


async def test_a_program_is_changed_where_something_is_said(hub: Hub) -> None:
    await hub.acme.patch("/api/programs/ACME", json={"LbApiUrl": "https://a.org", "LbApiKey": "k"})

    answer = await hub.acme.patch("/api/programs/ACME", json={"Name": "Acme 2", "LbApiKey": ""})

    shown = (await hub.acme.get("/programs/ACME")).json()
    assert (answer.status_code, answer.content) == (204, b"")
    assert shown["Name"] == "Acme 2"
    assert (shown["LbApiUrl"], shown["HasLbApiKey"]) == ("https://a.org", True)


async def test_a_key_sees_its_own_programs_only(hub: Hub) -> None:
    system = (await hub.system.get("/api/programs")).json()
    acme = (await hub.acme.get("/api/programs")).json()
    first = (await hub.system.get("/api/programs?limit=1")).json()
    second = (await hub.system.get("/api/programs", params={"cursor": first["next"]})).json()

    assert [one["ProgramId"] for one in system["items"]] == ["ACME", "OTHER"]
    assert [one["ProgramId"] for one in acme["items"]] == ["ACME"]
    assert [one["ProgramId"] for one in second["items"]] == ["OTHER"]
    assert (await hub.acme.get("/api/programs/OTHER")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ProgramId": "a/b"}, "/ProgramId"),
        ({"ProgramId": "x" * 26}, "/ProgramId"),
        ({"Name": "a\nb"}, "/Name"),
        ({"LbApiUrl": "https://10.0.0.1"}, "/LbApiUrl"),
        ({"name": "small"}, "/name"),
    ],
    ids=str,
)
async def test_a_bad_program_is_refused_with_its_place(
    hub: Hub, changes: dict[str, object], pointer: str
) -> None:
    answer = await hub.system.post("/programs", json={"ProgramId": "P", "Name": "n", **changes})

    assert answer.status_code == 422
    assert pointer in errors_of(answer)


async def test_providers_that_are_not_taken_are_listed(hub: Hub) -> None:
    path = "/api/programs/ACME/providers"

    async def untaken() -> list[str]:
        return [one["id"] for one in (await hub.reader.get(path)).json()["items"]]

    assert await untaken() == ["lms", "sso"]
    found = (await hub.acme.get(path, params={"q": "LM"})).json()["items"]
    assert [one["id"] for one in found] == ["lms"]
    await hub.integrate("lms")
    assert await untaken() == ["sso"]
    await hub.system.patch("/api/providers/sso", json={"status": "disabled"})
    assert await untaken() == []
    assert (await hub.other.get(path)).status_code == 404


async def test_only_system_makes_programs_and_providers(hub: Hub) -> None:
    program = await hub.acme.post("/programs", json={"ProgramId": "P", "Name": "n"})
    provider = await hub.acme.post("/api/providers", json={"name": "n"})
    changed = await hub.acme.patch("/api/providers/lms", json={"name": "n"})
    deleted = await hub.acme.delete("/api/providers/lms")
    renamed = await hub.reader.patch("/programs/ACME", json={"Name": "n"})

    answers = (program, provider, changed, deleted, renamed)
    assert [answer.status_code for answer in answers] == [403] * 5


async def test_a_provider_is_made_with_what_the_contract_says(hub: Hub) -> None:
    plain = await hub.system.post("/api/providers", json={"name": "Plain"})
    full = {
        "id": "full",
        "name": "Full",
        "status": "active",
        "objectId": "uuid",
        "objectIdTemplate": "urn:uuid:{id}",
        "actorId": "sso",
        "accountHomePage": "https://sso.example.org",
        "verbs": ["completed", "progressed"],
        "xapiVersion": "2.0.0",
        "batchSize": 50,
        "concurrency": 4,
        "tokenAuth": "body",
        "scope": "xapi:write",
        "tokenParameters": {"audience": "lrs"},
    }
    answer = await hub.system.post("/api/providers", json=full)

    assert plain.status_code == 201
    assert plain.json()["id"]
    assert plain.json().items() >= {
        "status": "active", "objectId": "uri", "actorId": "email", "verbs": ["completed"],
        "xapiVersion": "1.0.3", "batchSize": 1, "concurrency": 1, "tokenAuth": "basic",
    }.items()  # fmt: skip
    assert answer.json() == full
    assert answer.headers["location"] == "/api/providers/full"
    assert (await hub.acme.get("/api/providers/full")).json() == full
    listed = (await hub.acme.get("/api/providers?limit=2")).json()
    assert [one["id"] for one in listed["items"]][1:] or listed["next"]


async def test_a_change_of_rules_reaches_the_integrations(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"
    sent = {
        "actor": {"account": {"name": "ann"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://example.org/1"},
    }
    before = await hub.acme.post(path, json=sent)

    changed = await hub.system.patch("/api/providers/lms", json={"actorId": "sso"})
    after = await hub.acme.post(path, json=sent)

    assert changed.json()["actorId"] == "sso"
    assert changed.json()["verbs"] == ["completed"]
    assert (before.status_code, after.status_code) == (400, 202)


async def test_a_provider_in_use_is_not_deleted(hub: Hub) -> None:
    await hub.integrate("lms")

    used = await hub.system.delete("/api/providers/lms")
    free = await hub.system.delete("/api/providers/sso")
    gone = await hub.system.delete("/api/providers/sso")

    assert [used.status_code, free.status_code, gone.status_code] == [409, 204, 404]
    assert (await hub.acme.get("/api/providers/sso")).status_code == 404
    assert (await hub.system.patch("/api/providers/sso", json={"name": "x"})).status_code == 404
    errors_of(used)


async def test_a_disabled_provider_takes_no_new_integrations(hub: Hub) -> None:
    await hub.system.patch("/api/providers/lms", json={"status": "disabled"})

    answer = await hub.acme.post(
        "/api/programs/ACME/integrations",
        json={
            "name": "n",
            "provider": "lms",
            "technicalEmails": "a@b.c",
            "statementUrl": "https://a.org/",
            "authenticationUrl": "https://a.org/",
            "clientId": "a",
            "clientSecret": "b",
        },
    )

    assert answer.status_code == 422
    assert "disabled" in errors_of(answer)["/provider"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"objectIdTemplate": "urn:uuid:"}, "/objectIdTemplate"),
        ({"accountHomePage": "sso"}, "/accountHomePage"),
        ({"verbs": []}, "/verbs"),
        ({"verbs": ["Completed!"]}, "/verbs/0"),
        ({"xapiVersion": "0.9"}, "/xapiVersion"),
        ({"objectId": "number"}, "/objectId"),
        ({"status": True}, "/status"),
        ({"tokenParameters": {"grant_type": "x"}}, "/tokenParameters/grant_type"),
        ({"tokenParameters": {"a": 1}}, "/tokenParameters/a"),
        ({"id": "a/b"}, "/id"),
    ],
    ids=str,
)
async def test_a_bad_provider_is_refused_with_its_place(
    hub: Hub, fields: dict[str, object], pointer: str
) -> None:
    answer = await hub.system.post("/api/providers", json={"name": "n", **fields})

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {pointer}


async def test_a_program_has_contacts_and_a_schedule(hub: Hub) -> None:
    place = "/api/programs/ACME"
    schedule = {"At": "02:30", "Zone": "Europe/Berlin"}

    changed = await hub.acme.patch(
        place,
        json={"TechnicalEmails": "ann@acme.example, bob@acme.example", "NightlySync": schedule},
    )

    assert (changed.status_code, changed.content) == (204, b"")
    shown = (await hub.reader.get(place)).json()
    assert shown["TechnicalEmails"] == ["ann@acme.example", "bob@acme.example"]
    assert shown["NightlySync"] == schedule
    assert shown["NextSyncUtc"] > shown["CreatedUtc"]

    await hub.acme.patch(place, json={"TechnicalEmails": [], "NightlySync": None})
    shown = (await hub.reader.get(place)).json()
    assert (shown["TechnicalEmails"], shown["NightlySync"], shown["NextSyncUtc"]) == (
        [],
        None,
        None,
    )


async def test_a_program_is_made_with_contacts_and_a_schedule(hub: Hub) -> None:
    new = {
        "ProgramId": "NEW",
        "Name": "New",
        "TechnicalEmails": ["ann@new.example"],
        "NightlySync": {"At": "23:59", "Zone": "America/New_York"},
    }

    await hub.system.post("/api/programs", json=new)

    shown = (await hub.system.get("/api/programs/NEW")).json()
    assert {name: shown[name] for name in new} == new


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"TechnicalEmails": "nobody"}, "/TechnicalEmails"),
        ({"TechnicalEmails": ["a@b.example", "c"]}, "/TechnicalEmails/1"),
        ({"NightlySync": {"At": "24:00", "Zone": "UTC"}}, "/NightlySync/At"),
        ({"NightlySync": {"At": "2:30", "Zone": "UTC"}}, "/NightlySync/At"),
        ({"NightlySync": {"At": "02:30"}}, "/NightlySync/Zone"),
        ({"NightlySync": {"At": "02:30", "Zone": "Mars/Olympus"}}, "/NightlySync/Zone"),
        ({"NightlySync": {"At": "02:30", "Zone": "../../etc/passwd"}}, "/NightlySync/Zone"),
        ({"NightlySync": "02:30"}, "/NightlySync"),
    ],
    ids=str,
)
async def test_contacts_and_schedules_that_cannot_be_are_refused(
    hub: Hub, change: dict[str, object], pointer: str
) -> None:
    refused = await hub.acme.patch("/api/programs/ACME", json=change)

    assert refused.status_code == 422
    assert pointer in errors_of(refused)
