"""Who changed what, over HTTP: to whom it is told, and how it is narrowed."""

import pytest

from tests.hub.api.conftest import Hub, errors_of


async def told(hub: Hub, **query: str) -> list[tuple[str, str, str]]:
    answer = await hub.system.get("/api/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [(one["action"], one["kind"], one["subject"]) for one in answer.json()["items"]]


async def test_a_change_is_told_with_before_and_after_and_without_secrets(hub: Hub) -> None:
    integration = await hub.integrate()
    hub.clock.move(seconds=1)
    change = {"name": "Another", "clientSecret": "n3w-s3cr3t"}
    await hub.acme.patch(f"/api/integrations/{integration}", json=change)

    answer = await hub.reader.get("/api/programs/ACME/audit", params={"subject": integration})

    changed, created = answer.json()["items"]
    assert (created["action"], changed["action"]) == ("created", "changed")
    assert changed["by"].startswith("acme (key ")
    assert (changed["kind"], changed["programId"]) == ("integration", "ACME")
    assert changed["at"] == "2026-03-02T09:00:01Z"
    assert changed["changes"]["name"] == {"before": "Acme to the LMS", "after": "Another"}
    assert changed["changes"]["client_secret"] == "changed"
    assert "s3cr3t" not in answer.text


async def test_a_program_sees_its_own_changes_and_a_system_key_all(hub: Hub) -> None:
    integration = await hub.integrate()

    own = (await hub.other.get("/api/programs/OTHER/audit")).json()["items"]
    everything = await told(hub)

    assert {one["programId"] for one in own} == {"OTHER"}
    assert ("created", "integration", integration) in everything
    assert ("created", "provider", "lms") in everything
    assert await told(hub, programId="OTHER") == [("created", "program", "OTHER")]
    assert (await hub.acme.get("/api/audit")).status_code == 403
    assert (await hub.other.get("/api/programs/ACME/audit")).status_code == 404
    assert (await hub.nobody.get("/api/programs/ACME/audit")).status_code == 401


async def test_changes_are_found_by_who_made_them_and_when(hub: Hub) -> None:
    hub.clock.move(hours=1)
    integration = await hub.integrate()
    (entry,) = (await hub.system.get("/api/audit", params={"subject": integration})).json()["items"]
    hub.clock.move(hours=1)
    await hub.system.post("/api/programs", json={"ProgramId": "THIRD", "Name": "Third"})
    made, third = ("created", "integration", integration), ("created", "program", "THIRD")

    assert await told(hub, by="acme") == [made]
    assert await told(hub, by=entry["by"]) == [made]
    assert await told(hub, by="nobody") == []
    assert await told(hub, since="2026-03-02T10:00:00Z") == [third, made]
    assert await told(hub, since="2026-03-02T10:00:00Z", until="2026-03-02T11:00:00Z") == [made]
    assert await told(hub, kind="integration") == [made]
    assert await told(hub, kind="integration", by="admin") == []


async def test_changes_of_one_moment_are_told_page_by_page(hub: Hub) -> None:
    everything, found, cursor = await told(hub), [], ""
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await hub.system.get("/api/audit", params=query)).json()
        found += [(one["action"], one["kind"], one["subject"]) for one in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]

    assert found == everything
    assert len(found) == len(set(found)) == 8


@pytest.mark.parametrize(
    "query", [{"since": "noon"}, {"cursor": "x"}, {"limit": "0"}, {"by": "a\0"}, {"kind": "k" * 21}]
)
async def test_what_cannot_be_asked_is_refused(hub: Hub, query: dict[str, str]) -> None:
    answer = await hub.system.get("/api/audit", params=query)

    assert answer.status_code in {400, 422}
    errors_of(answer)
