"""Event completions over HTTP: the template of a program's conversion, and what was set aside."""

from datetime import timedelta

import httpx
import pytest

from hub.conversion.converter import FAILURES
from hub.registry.clearing_house.conversion_steps import ConversionSteps, Step
from hub.registry.clearing_house.event_completions import Failure
from hub.registry.parties.notices import NoticeKind
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from tests.hub.api.conftest import Hub, errors_of

PATH = "/api/programs/ACME/eventCompletions"
TEMPLATE = '{"learner": {"email": "{{email}}"}, "course": {"uri": "{{course.uri}}"}}'
COURSE = {"uri": "https://acme.example/courses/1"}


async def save(hub: Hub, template: str = TEMPLATE, **fields: object) -> httpx.Response:
    return await hub.acme.put(PATH, json={"Template": template, **fields})


async def publish(hub: Hub, event_id: str, **fields: object) -> None:
    event = {
        "EventId": event_id,
        "PublisherProgramId": "ACME",
        "EventType": "AI_COMP_SUCCESS",
        "PublisherParticipantId": "ann",
        "PublisherEventData": {"email": "ann@acme.example", "course": COURSE},
        "EventStartUtc": "2026-03-02T08:00:00Z",
        **fields,
    }
    answer = await hub.acme.post("/api/events", json=event)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("prefix", ["/api", ""])
async def test_a_template_is_saved_shown_and_deleted(hub: Hub, prefix: str) -> None:
    path = f"{prefix}/programs/ACME/eventCompletions"
    await publish(hub, "ACME-1")
    created = (await hub.acme.get("/api/events/ACME-1")).json()["CreatedUtc"]

    saved = await hub.acme.put(path, json={"Template": TEMPLATE})
    shown = await hub.reader.get(path)
    await publish(hub, "ACME-2")
    later = await hub.reader.get(path)
    await hub.house.notices.note("ACME", NoticeKind.COMPLETIONS, FAILURES, "some failed")
    deleted = await hub.acme.delete(path)

    assert (saved.status_code, saved.content) == (204, b"")
    assert shown.json() == {
        "ProgramId": "ACME",
        "Template": TEMPLATE,
        "ThroughUtc": created,
        "ChangedUtc": "2026-03-02T09:00:00Z",
        "Waiting": 0,
        "Failures": 0,
    }
    assert later.json()["Waiting"] == 1
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert await hub.house.notices.pending("ACME") == []
    assert (await hub.reader.get(path)).status_code == 404


async def test_since_sets_the_cursor_and_nothing_else_moves_it(hub: Hub) -> None:
    await publish(hub, "ACME-1")

    await save(hub, SinceUtc="2026-03-01T02:00:00+02:00")
    set_back = (await hub.acme.get(PATH)).json()
    await save(hub, TEMPLATE + " ")
    kept = (await hub.acme.get(PATH)).json()

    assert (set_back["ThroughUtc"], set_back["Waiting"]) == ("2026-03-01T00:00:00Z", 1)
    assert kept["ThroughUtc"] == set_back["ThroughUtc"]
    assert kept["Template"] == TEMPLATE + " "


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({}, "/Template"),
        ({"Template": ""}, "/Template"),
        ({"Template": 1}, "/Template"),
        ({"Template": TEMPLATE, "SinceUtc": "2026-03-01T02:00:00"}, "/SinceUtc"),
        ({"Template": TEMPLATE, "SinceUtc": 0}, "/SinceUtc"),
        ({"Template": TEMPLATE, "Since": None}, "/Since"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_told_with_its_place(
    hub: Hub, sent: dict[str, object], pointer: str
) -> None:
    answer = await hub.acme.put(PATH, json=sent)

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {pointer}


async def test_a_template_that_does_not_compile_is_refused_with_its_place(hub: Hub) -> None:
    answer = await save(hub, '{\n  "learner": {{#if email}}')

    assert answer.status_code == 422
    assert "line 2" in errors_of(answer)["/Template"]
    assert (await hub.acme.get(PATH)).status_code == 404


async def test_a_template_that_fits_none_of_the_newest_events_is_refused(hub: Hub) -> None:
    nameless = {"PublisherEventData": {"course": COURSE}}
    await publish(hub, "ACME-1", **nameless)
    await publish(hub, "ACME-2", **nameless)

    refused = await save(hub)
    await publish(hub, "ACME-3")
    taken = await save(hub)

    assert refused.status_code == 422
    assert errors_of(refused)["/Template"] == (
        "event ACME-2: /learner must have an email or an ssoId"
    )
    assert taken.status_code == 204


async def test_failures_are_listed_newest_first(hub: Hub, database: Database) -> None:
    await save(hub)
    for event_id in ("ACME-1", "ACME-2", "ACME-3"):
        await publish(hub, event_id)
        await set_aside(hub, database, event_id)

    first = (await hub.reader.get(f"{PATH}/failures", params={"limit": 2})).json()
    second = await hub.reader.get(f"{PATH}/failures", params={"cursor": first["next"]})

    assert [one["EventId"] for one in first["items"]] == ["ACME-3", "ACME-2"]
    assert first["items"][0].keys() == {"EventId", "CreatedUtc", "FailedUtc", "Reason"}
    assert first["items"][0]["Reason"] == "no learner"
    assert [one["EventId"] for one in second.json()["items"]] == ["ACME-1"]
    assert second.json()["next"] is None
    assert (await hub.reader.get(PATH)).json()["Failures"] == 3
    one = await hub.reader.get(f"{PATH}/failures", params={"eventId": "ACME-2"})
    assert [failure["EventId"] for failure in one.json()["items"]] == ["ACME-2"]


async def test_only_those_who_may_write_save_a_template(hub: Hub) -> None:
    await save(hub)
    form = {"Template": TEMPLATE}

    async def statuses(client: httpx.AsyncClient) -> list[int]:
        return [
            (await client.put(PATH, json=form)).status_code,
            (await client.get(PATH)).status_code,
            (await client.get(f"{PATH}/failures")).status_code,
            (await client.delete(PATH)).status_code,
        ]

    assert await statuses(hub.nobody) == [401, 401, 401, 401]
    assert await statuses(hub.other) == [404, 404, 404, 404]
    assert await statuses(hub.reader) == [403, 200, 200, 403]
    assert await statuses(hub.system) == [204, 200, 200, 204]


async def test_what_is_not_there_is_404(hub: Hub) -> None:
    nowhere = "/api/programs/NONE/eventCompletions"
    answers = [
        await hub.acme.get(PATH),
        await hub.acme.get(f"{PATH}/failures"),
        await hub.acme.delete(PATH),
        await hub.system.put(nowhere, json={"Template": TEMPLATE}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    for answer in answers:
        errors_of(answer)


async def set_aside(hub: Hub, database: Database, event_id: str) -> None:
    """Set an event aside, as the converter would."""
    event = await hub.house.events.find(event_id)
    conversion = await hub.house.event_completions.find("ACME")
    lease = await SqlLeases(database, hub.clock).take(
        f"conversion/{event_id}", timedelta(seconds=10), holder="test"
    )
    assert event
    assert conversion
    assert lease
    failure = Failure(event_id, event.created_at, "no learner", hub.clock())
    step = Step(event.created_at, [failure])
    assert await ConversionSteps(database).record(lease, conversion, step)
