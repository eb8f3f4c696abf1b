"""One attempt over HTTP: what was asked, what was answered, what became of its statements."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId
from delivery.stores.journal import Attempt
from tests.hub.api.conftest import Hub, errors_of
from tests.hub.api.test_deliveries import park
from tests.hub.api.test_operations import end

URL = "https://lrs.example.org/xapi/statements"


def an_attempt(
    *ids: str, at: datetime, outcome: str = "accepted", status: int | None = 200
) -> Attempt:
    return Attempt(
        at=at,
        statement_ids=tuple(map(StatementId, ids)),
        outcome=outcome,
        status=status,
        took=timedelta(milliseconds=12),
        answer="what it said" if status else "",
        reason=None if outcome == "accepted" else "why",
        url=URL,
        xapi_version="1.0.3",
        size=700,
        headers=() if outcome == "accepted" else (("Server", "lrs"), ("Set-Cookie", "***")),
    )


async def shown(hub: Hub, integration: str, attempt: Attempt) -> dict[str, object]:
    await hub.house.control.journal.add(IntegrationId(integration), [attempt])
    path = f"/api/integrations/{integration}/attempts"
    (listed, *_) = (await hub.reader.get(path, params={"limit": 1})).json()["items"]
    found: dict[str, object] = (await hub.reader.get(f"{path}/{listed['id']}")).json()
    assert listed == {name: found[name] for name in listed}
    return found


async def test_an_attempt_is_shown_with_request_answer_and_statements(hub: Hub) -> None:
    integration = await hub.integrate()
    (delivered,) = await end(hub, integration, 200)
    parked = await park(hub, integration)
    ids = (delivered, parked, str(uuid4()))
    made = an_attempt(*ids, at=hub.clock(), outcome="refused", status=400)

    found = await shown(hub, integration, made)

    assert found["request"] == {
        "method": "POST",
        "url": URL,
        "headers": {
            "Authorization": "Bearer ***",
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
            "User-Agent": "learning-hub/0",
        },
        "bytes": 700,
    }
    assert found["response"] == {
        "status": 400,
        "headers": {"Server": "lrs", "Set-Cookie": "***"},
        "body": "what it said",
    }
    sent = found["statements"]
    assert isinstance(sent, list)
    assert [one["id"] for one in sent] == [*ids]
    assert [one["state"] for one in sent] == ["delivered", "parked", None]
    assert [one["statement"]["id"] for one in sent[:2]] == [delivered, parked]
    assert sent[2]["statement"] is None


async def test_of_a_large_batch_the_first_statements_are_looked_up(hub: Hub) -> None:
    integration = await hub.integrate()

    found = await shown(
        hub, integration, an_attempt(*(str(uuid4()) for _ in range(50)), at=hub.clock())
    )

    assert isinstance(found["statements"], list)
    assert isinstance(found["statementIds"], list)
    assert (len(found["statements"]), len(found["statementIds"])) == (10, 50)


async def test_no_answer_and_no_request_are_told_as_such(hub: Hub) -> None:
    integration = await hub.integrate()
    silent = an_attempt(str(uuid4()), at=hub.clock(), outcome="unavailable", status=None)

    no_answer = await shown(hub, integration, silent)
    no_token = await shown(hub, integration, replace(silent, url=None))

    assert no_answer["request"] is not None
    assert no_answer["response"] is no_token["response"] is no_token["request"] is None


async def test_an_attempt_that_is_not_there_is_not_found(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/attempts"

    for attempt_id in ("7-0", "x", "99999999999999999999-1", "%0a"):
        answer = await hub.acme.get(f"{path}/{attempt_id}")
        assert answer.status_code == 404, attempt_id
        errors_of(answer)
    assert (await hub.other.get(f"{path}/7-0")).status_code == 404
