"""One statement over HTTP: where it is, what happened to it, and which integrations know it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from delivery.facts.integration import IntegrationId
from delivery.stores.journal import KEPT
from tests.hub.api.conftest import Hub, a_statement
from tests.hub.api.test_attempts import an_attempt
from tests.hub.api.test_deliveries import park
from tests.hub.api.test_operations import end

Facts = Mapping[str, Any]


async def told(hub: Hub, integration: str, statement: str, last: str = "") -> Facts:
    answer = await hub.reader.get(
        f"/api/integrations/{integration}/statements/{statement.upper()}{last}"
    )
    assert answer.status_code == 200, answer.text
    found: Facts = answer.json()
    return found


async def test_a_statement_that_waits_says_where(hub: Hub) -> None:
    integration = await hub.integrate(status="disabled")
    path = f"/api/integrations/{integration}/statements"
    ids = [(await hub.acme.post(path, json=a_statement())).json()["accepted"][0] for _ in range(3)]

    found = await told(hub, integration, ids[2])

    assert (found["id"], found["state"], found["attempts"]) == (ids[2], "queued", 0)
    assert found["waiting"] == {"lane": "queue", "before": 2, "waiting": 3, "operationId": None}
    assert (found["parked"], found["endedAt"]) == (None, None)
    assert found["statement"]["id"] == ids[2]


async def test_a_statement_that_is_parked_says_why(hub: Hub) -> None:
    integration = await hub.integrate()
    statement = await park(hub, integration)

    found = await told(hub, integration, statement)

    assert found["state"] == "parked"
    assert (found["parked"]["status"], found["parked"]["reason"]) == (400, "HTTP 400: no!")
    assert found["parked"]["version"] == 1
    assert found["statement"]["result"]["extensions"] == {"a:b": 2**70}


async def test_a_statement_that_was_delivered_says_when(hub: Hub) -> None:
    integration = await hub.integrate()
    (statement,) = await end(hub, integration, 200)

    found = await told(hub, integration, statement)

    assert found["state"] == "delivered"
    assert found["endedAt"] == found["deliveredAt"] == "2026-03-02T09:00:00Z"
    assert found["statement"]["id"] == statement


async def test_a_story_tells_what_was_done_by_whom(hub: Hub) -> None:
    integration = await hub.integrate()
    await end(hub, integration, 400)
    (statement,) = await end(hub, integration, 400)
    path = f"/api/integrations/{integration}"
    journal = hub.house.control.journal
    made = an_attempt(statement, "another", at=hub.clock(), outcome="refused", status=400)
    await journal.add(IntegrationId(integration), [made])
    hub.clock.move(minutes=1)
    await hub.acme.patch(path, json={"name": "Another name"})
    await hub.acme.post(f"{path}/parked/release", json={"all": True, "dryRun": True})
    await hub.acme.post(f"{path}/parked/release", json={"statementIds": [str(uuid4())]})
    hub.clock.move(minutes=1)
    await hub.acme.post(f"{path}/parked/discard", json={"status": 418})
    await hub.acme.post(f"{path}/parked/release", json={"statementIds": [statement]})
    hub.clock.move(minutes=1)
    await hub.acme.post(f"{path}/parked/release", json={"all": True})
    hub.clock.move(minutes=1)
    await hub.acme.patch(path, json={"clientSecret": "another"})

    story = await told(hub, integration, statement, "/story")

    happenings = story["happenings"]
    assert [(one["what"], one["statements"], one["certain"]) for one in happenings] == [
        ("accepted", None, True),
        ("attempted", 2, True),
        ("released", 1, True),
        ("released", 1, False),
        ("changed", None, True),
    ]
    assert [one["at"] for one in happenings] == sorted(one["at"] for one in happenings)
    assert happenings[2]["by"].startswith("acme")
    assert happenings[1]["attempt"]["status"] == 400
    assert story["complete"] is True


async def test_a_story_ends_where_the_statement_does(hub: Hub) -> None:
    integration = await hub.integrate()
    delivered, parked = await end(hub, integration, 200, 400)

    first = await told(hub, integration, delivered, "/story")
    second = await told(hub, integration, parked, "/story")
    await hub.acme.post(
        f"/api/integrations/{integration}/parked/discard", json={"statementIds": [parked]}
    )
    third = await told(hub, integration, parked, "/story")

    def words(story: Facts) -> list[str]:
        return [one["what"] for one in story["happenings"]]

    assert words(first) == ["accepted", "delivered"]
    assert words(second) == ["accepted", "parked"]
    assert words(third) == ["accepted", "discarded"]


async def test_a_story_that_is_longer_than_the_journal_says_so(hub: Hub) -> None:
    integration = await hub.integrate()
    statement = await park(hub, integration)
    hub.clock.move(minutes=1)
    later = [an_attempt("another", at=hub.clock()) for _ in range(KEPT + 1)]
    await hub.house.control.journal.add(IntegrationId(integration), later[:KEPT])
    await hub.house.control.journal.add(IntegrationId(integration), later[KEPT:])

    story = await told(hub, integration, statement, "/story")

    assert story["complete"] is False


async def test_a_story_of_nothing_is_not_found(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements/{uuid4()}/story"

    assert (await hub.acme.get(path)).status_code == 404
    assert (await hub.other.get(path)).status_code == 404


async def test_a_statement_is_found_in_all_of_a_program(hub: Hub) -> None:
    first = await hub.integrate()
    hub.clock.move(seconds=1)
    second = await hub.integrate("sso", name="By SSO")
    statement = a_statement(id=str(uuid4()))
    sent = await hub.acme.post(f"/api/integrations/{second}/statements", json=statement)
    path = f"/api/programs/ACME/statements/{statement['id']}"

    found = (await hub.reader.get(path)).json()
    part = (await hub.reader.get(path, params={"limit": 1})).json()
    rest = (await hub.reader.get(path, params={"limit": 1, "cursor": part["next"]})).json()
    nothing = (await hub.reader.get(f"/api/programs/ACME/statements/{uuid4()}")).json()

    assert sent.status_code == 202, sent.text
    (one,) = found["items"]
    assert (one["integrationId"], one["name"], one["state"]) == (second, "By SSO", "queued")
    assert (found["lookedAt"], found["next"]) == (2, None)
    assert (part["items"], part["lookedAt"], rest["items"]) == ([], 1, [one])
    assert nothing == {"items": [], "lookedAt": 2, "next": None}
    assert first != second


async def test_a_program_of_others_is_not_searched(hub: Hub) -> None:
    answer: httpx.Response = await hub.other.get(f"/api/programs/ACME/statements/{uuid4()}")
    nothing = (await hub.other.get(f"/api/programs/OTHER/statements/{uuid4()}")).json()

    assert answer.status_code == 404
    assert nothing == {"items": [], "lookedAt": 0, "next": None}
