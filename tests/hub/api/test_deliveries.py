"""Receipts, attempts and parked statements over HTTP."""

from datetime import timedelta
from uuid import uuid4

import pytest

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId
from delivery.stores.journal import Attempt
from delivery.stores.lease import Leases
from delivery.stores.statement_queue import CLOSE, Policy, Settled, StatementQueue
from tests.hub.api.conftest import Hub, a_statement, errors_of

DAY = timedelta(days=1)
POLICY = Policy(heartbeat=timedelta(minutes=1), alert_interval=DAY, receipt_age=7 * DAY)


async def journal(hub: Hub, integration: str, *statuses: int) -> None:
    for status in statuses:
        attempt = Attempt(
            at=hub.clock(),
            statement_ids=(StatementId(str(uuid4())),),
            outcome="accepted" if status < 300 else "unavailable",
            status=status,
            took=timedelta(milliseconds=12),
            answer="what it said",
            reason=None,
        )
        await hub.house.control.journal.add(IntegrationId(integration), [attempt])
        hub.clock.move(minutes=1)


async def test_attempts_are_listed_newest_first(hub: Hub) -> None:
    integration = await hub.integrate()
    await journal(hub, integration, 503, 200, 503)
    path = f"/api/integrations/{integration}/attempts"

    every = (await hub.reader.get(path)).json()
    page = (await hub.reader.get(path, params={"limit": 2})).json()
    rest = (await hub.reader.get(path, params={"cursor": page["next"]})).json()

    assert [one["status"] for one in every["items"]] == [503, 200, 503]
    assert every["items"][1].keys() == {
        "id", "at", "statementIds", "outcome", "status", "milliseconds", "answer",
        "reason", "bytes",
    }  # fmt: skip
    assert every["items"][1]["milliseconds"] == 12
    assert page["items"] + rest["items"] == every["items"]


async def test_attempts_are_filtered(hub: Hub) -> None:
    integration = await hub.integrate()
    await journal(hub, integration, 503, 200, 503)
    path = f"/api/integrations/{integration}/attempts"

    async def count(**parameters: str) -> int:
        return len((await hub.acme.get(path, params=parameters)).json()["items"])

    assert await count(status="200") == 1
    assert await count(outcome="unavailable") == 2
    assert await count(since="2026-03-02T09:01:00Z") == 2
    assert await count(until="2026-03-02T10:01:00+01:00") == 1
    assert await count(since="2026-03-02T09:01:00", until="2026-03-02T09:02:00") == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cursor=abc", 400),
        ("cursor=99999999999999999999999-1", 400),
        ("limit=0", 422),
        ("limit=x", 422),
        ("status=9", 422),
        ("since=yesterday", 422),
    ],
)
async def test_bad_parameters_are_named(hub: Hub, query: str, status: int) -> None:
    integration = await hub.integrate()

    for kind in ("attempts", "parked"):
        answer = await hub.acme.get(f"/api/integrations/{integration}/{kind}?{query}")

        assert answer.status_code == status
        assert query.partition("=")[0] in answer.json()["detail"]
        errors_of(answer)


async def park(hub: Hub, integration: str) -> str:
    """Queue one statement, and let a drain hear that the LRS will not have it; its id."""
    answer = await hub.acme.post(
        f"/api/integrations/{integration}/statements",
        json=a_statement(result={"extensions": {"a:b": 2**70}}),
    )
    store = hub.house.control.store
    lease = await Leases(store, hub.clock).take(IntegrationId(integration))
    assert lease is not None
    queue = StatementQueue(store, lease, clock=hub.clock, policy=POLICY)
    (queued,) = (await queue.settle([], wanted=1)).statements
    await queue.settle([Settled(queued, "no!", 400, "HTTP 400: no!")], wanted=CLOSE)
    (statement_id,) = answer.json()["accepted"]
    return str(statement_id)


async def test_parked_statements_are_shown_with_the_servers_words(hub: Hub) -> None:
    integration = await hub.integrate()
    statement_id = await park(hub, integration)

    page = (await hub.reader.get(f"/api/integrations/{integration}/parked?status=400")).json()

    (parked,) = page["items"]
    assert parked["statementId"] == statement_id
    assert (parked["status"], parked["answer"], parked["reason"]) == (400, "no!", "HTTP 400: no!")
    assert parked["statement"]["result"]["extensions"] == {"a:b": 2**70}


async def test_parked_statements_are_released_or_discarded(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}/parked"
    first, _ = await park(hub, integration), await park(hub, integration)

    released = await hub.acme.post(f"{path}/release", json={"statementIds": [first.upper()]})
    discarded = await hub.acme.post(f"{path}/discard", json={"all": True})

    assert (released.status_code, released.json()) == (202, {"released": 1})
    assert (discarded.status_code, discarded.json()) == (202, {"discarded": 1})


@pytest.mark.parametrize(
    ("choice", "pointer"),
    [
        ({}, ""),
        ({"all": False}, ""),
        ({"all": True, "statementIds": [str(uuid4())]}, ""),
        ({"statementIds": []}, "/statementIds"),
        ({"statementIds": ["1"]}, "/statementIds/0"),
        ({"statementIds": "all"}, "/statementIds"),
    ],
    ids=["none", "not-all", "both", "empty", "no-uuid", "text"],
)
async def test_a_choice_that_is_none_is_refused(
    hub: Hub, choice: dict[str, object], pointer: str
) -> None:
    integration = await hub.integrate()

    answer = await hub.acme.post(f"/api/integrations/{integration}/parked/release", json=choice)

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {pointer}


async def test_who_may_only_read_releases_nothing(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}"

    released = await hub.reader.post(f"{path}/parked/release", json={"all": True})
    listed = await hub.other.get(f"{path}/attempts")

    assert (released.status_code, listed.status_code) == (403, 404)


async def test_an_unknown_statement_is_not_found(hub: Hub) -> None:
    path = f"/api/integrations/{await hub.integrate()}/statements"

    for statement_id in (str(uuid4()), "x", "%0a"):
        answer = await hub.acme.get(f"{path}/{statement_id}")

        assert answer.status_code == 404
        errors_of(answer)
