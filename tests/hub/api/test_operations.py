"""Replays, releases and discards of many statements over HTTP, and who did what."""

from datetime import timedelta

import httpx
import pytest

from delivery.facts.integration import IntegrationId
from delivery.stores.lease import Leases
from delivery.stores.statement_queue import CLOSE, Policy, Settled, StatementQueue
from tests.hub.api.conftest import Hub, a_statement, errors_of

DAY = timedelta(days=1)
POLICY = Policy(heartbeat=timedelta(minutes=1), alert_interval=DAY, receipt_age=7 * DAY)


async def end(hub: Hub, integration: str, *statuses: int) -> list[str]:
    """Let a statement end with each status, a minute apart; their ids. 4xx parks it."""
    found = []
    for status in statuses:
        answer = await hub.acme.post(
            f"/api/integrations/{integration}/statements", json=a_statement()
        )
        store = hub.house.control.store
        lease = await Leases(store, hub.clock).take(IntegrationId(integration))
        assert lease is not None
        queue = StatementQueue(store, lease, clock=hub.clock, policy=POLICY)
        (queued,) = (await queue.settle([], wanted=1)).statements
        reason = None if status < 300 else f"HTTP {status}"
        await queue.settle([Settled(queued, "it said", status, reason)], wanted=CLOSE)
        found.append(answer.json()["accepted"][0])
        hub.clock.move(minutes=1)
    return found


async def test_a_replay_is_counted_before_it_begins(hub: Hub) -> None:
    integration = await hub.integrate()
    await end(hub, integration, 200, 200, 204)
    path = f"/api/integrations/{integration}/replays"

    answer = await hub.acme.post(path, json={"since": "2026-03-02T09:01:00Z", "dryRun": True})

    assert answer.status_code == 202
    told = answer.json()
    assert (told["replayId"], told["statements"]) == (None, 2)
    assert told["bytes"] > 2 * 200
    assert told["oldestAcceptedAt"] == "2026-03-02T09:01:00Z"
    listed = await hub.reader.get(f"/api/integrations/{integration}/operations")
    assert listed.json() == {"items": [], "next": None}


async def test_a_replay_is_begun_shown_and_steered(hub: Hub) -> None:
    integration = await hub.integrate()
    await end(hub, integration, 200, 200)
    path = f"/api/integrations/{integration}"

    begun = await hub.acme.post(
        f"{path}/replays", json={"since": "2026-03-02T00:00:00Z", "inFront": True}
    )
    shown = (await hub.reader.get(begun.headers["Location"])).json()
    replay_id = begun.json()["replayId"]
    paused = (await hub.acme.post(f"{path}/operations/{replay_id}/pause")).json()
    resumed = (await hub.acme.post(f"{path}/operations/{replay_id}/resume")).json()
    cancelled = (await hub.acme.post(f"{path}/operations/{replay_id}/cancel")).json()
    listed = (await hub.reader.get(f"{path}/operations")).json()

    assert begun.status_code == 202
    assert (shown["id"], shown["kind"], shown["state"]) == (replay_id, "replay", "running")
    assert (shown["statements"], shown["done"], shown["skipped"]) == (2, 0, 0)
    assert shown["by"].startswith("acme")
    assert shown["inFront"] is True
    assert [paused["state"], resumed["state"]] == ["paused", "running"]
    assert cancelled["state"] == "cancelling"
    assert [one["id"] for one in listed["items"]] == [replay_id]


async def test_statements_are_chosen_by_id_status_and_outcome(hub: Hub) -> None:
    integration = await hub.integrate()
    first, _ = await end(hub, integration, 200, 204)
    await end(hub, integration, 400)
    await hub.acme.post(f"/api/integrations/{integration}/parked/discard", json={"all": True})
    hub.clock.move(minutes=1)
    path = f"/api/integrations/{integration}/replays"

    async def count(**form: object) -> int:
        answer = await hub.acme.post(path, json={"dryRun": True, **form})
        found: int = answer.json()["statements"]
        return found

    assert await count(statementIds=[first.upper()]) == 1
    assert await count(since="2026-01-01T00:00:00Z", status=204) == 1
    assert await count(since="2026-01-01T00:00:00Z", outcome="discarded") == 1
    assert await count(since="2026-03-02T09:01:00Z", until="2026-03-02T09:01:01Z") == 1
    assert await count(since="2026-03-03T00:00:00Z") == 0


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "until"),
        ({"statementIds": []}, "statementIds"),
        ({"statementIds": ["7"]}, "statementIds"),
        ({"since": "2026-03-02T00:00:00Z", "status": 7}, "status"),
        ({"since": "2026-03-02T00:00:00Z", "outcome": "lost"}, "outcome"),
        ({"since": "2026-03-02T00:00:00Z", "whatever": 1}, "whatever"),
    ],
)
async def test_a_selection_that_makes_no_sense_says_where(
    hub: Hub, form: dict[str, object], word: str
) -> None:
    integration = await hub.integrate()

    answer = await hub.acme.post(f"/api/integrations/{integration}/replays", json=form)

    assert answer.status_code == 422
    assert any(word in f"{place} {words}" for place, words in errors_of(answer).items())


async def test_nothing_to_replay_is_told_and_nothing_begins(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}"

    answer = await hub.acme.post(f"{path}/replays", json={"since": "2026-01-01T00:00:00Z"})

    assert (answer.status_code, answer.json()["replayId"]) == (202, None)
    assert (await hub.acme.get(f"{path}/operations")).json()["items"] == []


async def test_parked_statements_are_released_and_discarded_by_status_and_time(hub: Hub) -> None:
    integration = await hub.integrate()
    await end(hub, integration, 400, 422, 422)
    path = f"/api/integrations/{integration}"

    counted = await hub.acme.post(f"{path}/parked/release", json={"status": 422, "dryRun": True})
    released = (await hub.acme.post(f"{path}/parked/release", json={"status": 422})).json()
    discarded = (
        await hub.acme.post(f"{path}/parked/discard", json={"until": "2026-03-02T09:01:00Z"})
    ).json()
    none = (await hub.acme.post(f"{path}/parked/discard", json={"status": 418})).json()

    assert (counted.status_code, counted.json()) == (202, {"released": 2})
    assert released["released"] == 2
    shown = (await hub.acme.get(f"{path}/operations/{released['operationId']}")).json()
    assert (shown["kind"], shown["selection"]["status"]) == ("release", 422)
    assert discarded["discarded"] == 1
    assert none == {"discarded": 0}


async def test_a_purge_throws_away_what_waits_and_is_written_down(hub: Hub) -> None:
    integration = await hub.integrate()
    for _ in range(3):
        await hub.acme.post(f"/api/integrations/{integration}/statements", json=a_statement())

    answer = await hub.acme.post(f"/api/integrations/{integration}/queue/purge")

    assert (answer.status_code, answer.json()) == (202, {"purged": 3})
    shown = (await hub.acme.get(f"/api/integrations/{integration}")).json()
    assert shown["health"]["queued"] == 0
    (entry,) = (await hub.house.audit.list(kind="statements")).items
    assert (entry.action, entry.subject, entry.program_id) == ("purged", integration, "ACME")
    assert entry.by.startswith("acme")
    assert entry.changes == {"statements": 3}


async def test_every_steering_is_written_down(hub: Hub) -> None:
    integration = await hub.integrate()
    await end(hub, integration, 200, 400, 400)
    path = f"/api/integrations/{integration}"

    await hub.acme.post(f"{path}/replays", json={"since": "2026-01-01T00:00:00Z"})
    await hub.acme.post(f"{path}/replays", json={"since": "2026-01-01T00:00:00Z", "dryRun": True})
    await hub.acme.post(f"{path}/parked/release", json={"until": "2026-03-02T09:02:00Z"})
    await hub.acme.post(f"{path}/parked/discard", json={"all": True})

    entries = (await hub.house.audit.list(kind="statements")).items
    assert [(one.action, one.changes["statements"]) for one in entries] == [
        ("discarded", 2),
        ("released", 1),
        ("replayed", 1),
    ]


async def test_unknown_operations_and_verbs_are_told(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}/operations"

    assert (await hub.acme.get(f"{path}/nothing")).status_code == 404
    assert (await hub.acme.post(f"{path}/nothing/pause")).status_code == 404
    assert (await hub.acme.post(f"{path}/nothing/explode")).status_code == 422
    assert (await hub.reader.post(f"{path}/nothing/pause")).status_code == 403


async def test_integrations_of_all_programs_are_listed_for_those_who_may_read_them(
    hub: Hub,
) -> None:
    integration = await hub.integrate()

    async def listed(client: httpx.AsyncClient) -> list[str]:
        page = (await client.get("/api/integrations")).json()
        return [one["id"] for one in page["items"]]

    assert await listed(hub.system) == [integration]
    assert await listed(hub.reader) == [integration]
    assert await listed(hub.other) == []
