"""How delivery went, the time line, the forecast and the mails, over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Queued, StatementId
from delivery.facts.times import to_ms
from delivery.stores.journal import Attempt
from delivery.stores.keys import Keys
from delivery.stores.sent import Sent
from delivery.stores.statement_queue import Settled
from delivery.stores.tallies import Tallies
from tests.hub.api.conftest import Hub, a_statement

TOOK = timedelta(seconds=0.4)


async def note(
    hub: Hub, integration: str, delivered: int, *, took: timedelta | None = None
) -> None:
    """Let so many statements have been delivered, a second after they were accepted."""
    accepted = hub.clock() - timedelta(seconds=1)
    queued = Queued("queue", "1-0", StatementId("s"), b"{}", "d", accepted, tried=False)
    sent = Sent(
        settled=[Settled(queued, "HTTP 200")] * delivered,
        attempts=[Attempt(hub.clock(), (), "accepted", 200, TOOK, "", None)],
    )
    tallies = Tallies(hub.house.control.store)
    tallies.note(IntegrationId(integration), sent, hub.clock(), took=took)
    await tallies.flush()


async def ask(hub: Hub, integration: str, what: str, **query: object) -> Any:  # noqa: ANN401  JSON
    path = f"/api/integrations/{integration}/{what}"
    answer = await hub.reader.get(path, params={k: str(v) for k, v in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("span", "step", "count"), [("1h", 60, 60), ("24h", 3600, 24), ("7d", 3600, 168)]
)
async def test_a_history_has_a_point_for_each_step(
    hub: Hub, span: str, step: int, count: int
) -> None:
    integration = await hub.integrate()
    await note(hub, integration, 3)

    history = await ask(hub, integration, "history", span=span)

    assert (history["span"], history["stepSeconds"]) == (span, step)
    assert len(history["points"]) == count
    newest = history["points"][-1]
    assert (newest["delivered"], newest["refused"], newest["requestMilliseconds"]) == (3, 0, 400)
    assert 640 <= newest["halfWithinMilliseconds"] <= 1280
    assert history["points"][0]["halfWithinMilliseconds"] is None


async def test_an_unknown_span_is_refused_with_those_that_there_are(hub: Hub) -> None:
    integration = await hub.integrate()

    answer = await hub.reader.get(f"/api/integrations/{integration}/history?span=2h")

    assert answer.status_code == 422
    assert "'1h', '24h', '7d' or '30d'" in answer.text


async def test_a_time_line_tells_changes_of_status_and_who_did_what(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}"
    for status in ("disabled", "active"):
        hub.clock.move(minutes=5)
        await hub.acme.patch(path, json={"status": status})

    page = await ask(hub, integration, "timeline")

    told = [(one["kind"], one.get("status") or one["action"]) for one in page["items"]]
    assert sorted(told[:2]) == [("deed", "changed"), ("status", "flowing")]
    assert sorted(told[2:4]) == [("deed", "changed"), ("status", "disabled")]
    assert sorted(told[4:]) == [("deed", "created"), ("status", "flowing")]
    assert "next" not in page
    changes = [one for one in page["items"] if one["kind"] == "status"]
    deeds = [one for one in page["items"] if one["kind"] == "deed"]
    assert "until" not in changes[0]
    assert changes[1]["until"] == changes[0]["at"]
    assert deeds[1]["changes"]["enabled"] == {"before": True, "after": False}
    assert deeds[1]["by"]


async def test_a_time_line_pages_without_gap_or_repetition(hub: Hub) -> None:
    integration = await hub.integrate()
    for n in range(7):
        hub.clock.move(minutes=5)
        status = "active" if n % 2 else "disabled"
        await hub.acme.patch(f"/api/integrations/{integration}", json={"status": status})
    whole = (await ask(hub, integration, "timeline"))["items"]

    found: list[object] = []
    cursor = ""
    while True:
        page = await ask(
            hub, integration, "timeline", limit=3, **({"cursor": cursor} if cursor else {})
        )
        found += page["items"]
        cursor = page.get("next")
        if not cursor:
            break

    assert found == whole
    assert len(whole) == 16


@pytest.mark.parametrize("cursor", ["x", "e30=", "WyIhIiwgbnVsbF0=", "W251bGwsICJ4Il0="])
async def test_a_cursor_of_another_list_is_refused(hub: Hub, cursor: str) -> None:
    integration = await hub.integrate()

    answer = await hub.reader.get(
        f"/api/integrations/{integration}/timeline", params={"cursor": cursor}
    )

    assert answer.status_code == 400


async def test_what_waits_is_forecast_by_the_pace_of_late(hub: Hub) -> None:
    integration = await hub.integrate()
    await hub.acme.post(f"/api/integrations/{integration}/statements", json=[a_statement()] * 1)
    unknown = await ask(hub, integration, "forecast")
    await note(hub, integration, 1)
    by_requests = await ask(hub, integration, "forecast")
    await note(hub, integration, 40, took=timedelta(seconds=80))
    by_pace = await ask(hub, integration, "forecast")

    assert unknown == {"queued": 1, "seconds": None, "statementsPerMinute": None, "basis": None}
    assert (by_requests["seconds"], by_requests["basis"]) == (1, "requests")
    assert (by_pace["seconds"], by_pace["basis"]) == (2, "pace")
    assert by_pace["statementsPerMinute"] == 30


async def test_mails_are_listed_with_when_the_next_one_may_go(hub: Hub) -> None:
    integration = await hub.integrate()
    keys = Keys(IntegrationId(integration))
    before = await ask(hub, integration, "mails")
    sent = {
        "at": to_ms(hub.clock()),
        "to": ["ops@example.org"],
        "subject": "It is down",
        "kind": "down",
        "error": None,
    }
    await hub.house.control.store.ask(
        ("LPUSH", keys.mails, orjson.dumps(sent)),
        ("HSET", keys.state, "alerted", to_ms(hub.clock()), "alert", "{}"),
    )

    after = await ask(hub, integration, "mails")
    hub.clock.move(hours=25)
    later = await ask(hub, integration, "mails")

    assert before == {"items": [], "isPending": False, "nextMailAt": None}
    assert after["items"] == [
        {
            "at": "2026-03-02T09:00:00Z",
            "recipients": ["ops@example.org"],
            "subject": "It is down",
            "about": "down",
            "error": None,
        }
    ]
    assert (after["isPending"], after["nextMailAt"]) == (True, "2026-03-03T09:00:00Z")
    assert later["nextMailAt"] is None


async def test_lists_tell_the_last_day_of_each_if_asked(hub: Hub) -> None:
    integration = await hub.integrate()
    await note(hub, integration, 3)
    path = "/api/programs/ACME/integrations"

    told = (await hub.reader.get(path, params={"activity": "true"})).json()["items"]
    among = (await hub.reader.get(path, params={"activity": "true", "state": "flowing"})).json()
    untold = (await hub.reader.get(path)).json()["items"]

    assert told[0]["activity"][-2:] == [
        {"delivered": 0, "failed": 0},
        {"delivered": 3, "failed": 0},
    ]
    assert len(told[0]["activity"]) == 24
    assert among["items"][0]["activity"] == told[0]["activity"]
    assert untold[0]["activity"] is None


@pytest.mark.parametrize("what", ["history", "timeline", "forecast", "mails"])
async def test_what_is_not_ones_own_is_not_there(hub: Hub, what: str) -> None:
    integration = await hub.integrate()

    answer = await hub.other.get(f"/api/integrations/{integration}/{what}")

    assert answer.status_code == 404


def lines_of(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/jsonl")
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def test_what_waits_is_downloaded_in_the_order_in_which_it_is_sent(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}"
    for n in range(45):
        body = b'{\n"id": "%s",\r\n' % str(a_uuid(n)).encode() + orjson.dumps(a_statement())[1:]
        answer = await hub.acme.post(
            f"{path}/statements", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 202, answer.text
    listed = (await hub.reader.get(f"{path}/queue")).json()["items"]
    hub.clock.move(seconds=1)

    answer = await hub.reader.get(f"{path}/queue/download")

    assert lines_of(answer) == listed
    assert len(listed) == 45
    disposition = answer.headers["content-disposition"]
    assert disposition == f'attachment; filename="{integration}-queue.jsonl"'
    deed = (await hub.reader.get(f"{path}/timeline")).json()["items"][0]
    assert (deed["action"], deed["changes"]) == ("downloaded", {"queued": 45})


async def test_what_is_parked_is_downloaded_oldest_first(hub: Hub) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}"
    for n in range(40):
        fields = ("i", f"s{n}", "b", orjson.dumps({"id": n}), "t", 1, "d", "d", "at", n, "s", "400")
        rest = ("a", "HTTP 400", "r", "no", "v", 1)
        key = Keys(IntegrationId(integration)).parked
        await hub.house.control.store.ask(("XADD", key, f"{n + 1}-0", *fields, *rest))

    lines = lines_of(await hub.reader.get(f"{path}/parked/download"))

    assert [line["statementId"] for line in lines] == [f"s{n}" for n in range(40)]
    assert lines[3] == {
        "statementId": "s3",
        "at": "1970-01-01T00:00:00.003000Z",
        "status": 400,
        "answer": "HTTP 400",
        "reason": "no",
        "version": 1,
        "statement": {"id": 3},
    }


@pytest.mark.parametrize("what", ["queue", "parked"])
async def test_what_a_stranger_asks_for_is_not_there_and_nothing_is_an_empty_file(
    hub: Hub, what: str
) -> None:
    integration = await hub.integrate()
    path = f"/api/integrations/{integration}/{what}/download"

    assert (await hub.other.get(path)).status_code == 404
    assert lines_of(await hub.reader.get(path)) == []


def a_uuid(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012}"
