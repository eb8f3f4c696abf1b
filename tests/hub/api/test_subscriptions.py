"""Subscriptions over HTTP: what may be kept, and what a change does."""

import json

import pytest

from tests.hub.api.conftest import Hub, errors_of

PLACE = "/api/programs/ACME/eventSubs"
ROW = '{"Course": "{{course.name}}"}'
EVENT: dict[str, object] = {"PublisherEventData": 1}
TEMPLATE = {"*": {"importProcessId": 7, "batchRowTemplate": ROW}}


def a_subscription(**changes: object) -> dict[str, object]:
    return {"PublisherProgramId": "OTHER", "LbApiPayloadTemplate": TEMPLATE, **changes}


async def subscribe(hub: Hub, **changes: object) -> None:
    made = await hub.system.post(PLACE, json=a_subscription(**changes))
    assert made.status_code == 201, made.text


async def shown(hub: Hub) -> dict[str, object]:
    found: dict[str, object] = (await hub.reader.get(f"{PLACE}/OTHER")).json()
    return found


async def test_a_template_may_stand_in_a_text(hub: Hub) -> None:
    await subscribe(hub, LbApiPayloadTemplate='{"COURSE": {"action": "ignore"}}')

    assert (await shown(hub))["LbApiPayloadTemplate"] == {"COURSE": {"action": "ignore"}}


async def test_a_template_keeps_its_order_and_its_labels(hub: Hub) -> None:
    entry = {"label": "ä", "batchRowTemplate": ROW, "importProcessId": "7", "action": "import"}
    await subscribe(hub, LbApiPayloadTemplate={"B": entry, "A": entry, "_default": entry})

    template = (await shown(hub))["LbApiPayloadTemplate"]
    assert isinstance(template, dict)
    assert list(template) == ["B", "A", "_default"]
    assert list(template["A"]) == list(entry)


async def test_a_subscription_is_synced_unless_that_is_said(hub: Hub) -> None:
    await subscribe(hub)

    assert (await shown(hub))["SyncEnabled"] is True


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"LbApiPayloadTemplate": []}, "/LbApiPayloadTemplate"),
        ({"LbApiPayloadTemplate": None}, "/LbApiPayloadTemplate"),
        ({"LbApiPayloadTemplate": "{"}, "/LbApiPayloadTemplate"),
        ({"LbApiPayloadTemplate": {"*": {}}}, "/LbApiPayloadTemplate/*/importProcessId"),
        ({"SyncEnabled": "yes"}, "/SyncEnabled"),
        ({"PublisherProgramId": "A-B"}, "/PublisherProgramId"),
        ({"PublisherProgramId": "ACME"}, "/PublisherProgramId"),
        ({"LastSyncUtc": "2026-01-31T12:00:00Z"}, "/LastSyncUtc"),
    ],
    ids=str,
)
async def test_what_cannot_be_kept_is_refused(
    hub: Hub, changes: dict[str, object], pointer: str
) -> None:
    refused = await hub.system.post(PLACE, json=a_subscription(**changes))

    assert refused.status_code == 422
    assert pointer in errors_of(refused)
    assert (await hub.reader.get(PLACE)).json() == []


async def test_every_bad_template_is_told_with_line_and_column(hub: Hub) -> None:
    bad = {
        "A": {"importProcessId": 7, "batchRowTemplate": '{\n"n": {{n}}}'},
        "B": {"importProcessId": 7, "batchRowTemplate": ROW},
        "C": {"importProcessId": 7, "batchRowTemplate": '{"n": "{{shout n}}"}'},
    }

    refused = await hub.system.post(PLACE, json=a_subscription(LbApiPayloadTemplate=bad))

    assert refused.status_code == 422
    errors = errors_of(refused)
    assert list(errors) == [
        "/LbApiPayloadTemplate/A/batchRowTemplate",
        "/LbApiPayloadTemplate/C/batchRowTemplate",
    ]
    assert "put a space" in errors["/LbApiPayloadTemplate/A/batchRowTemplate"]
    assert (refused.json()["line"], refused.json()["column"]) == (2, 11)


async def test_templates_are_tried_on_what_the_publisher_has_published(hub: Hub) -> None:
    event = {
        "EventId": "OTHER-1",
        "PublisherProgramId": "OTHER",
        "EventType": "AI_COMP_SUCCESS",
        "PublisherParticipantId": "ann",
        "PublisherEventCategory": "COURSE",
        "PublisherEventData": {"age": "old"},
        "EventStartUtc": "2026-01-31T12:00:00Z",
    }
    assert (await hub.other.post("/api/events", json=event)).status_code == 201
    template = {"COURSE": {"importProcessId": 7, "batchRowTemplate": '{"age": {{age}} }'}}

    refused = await hub.system.post(PLACE, json=a_subscription(LbApiPayloadTemplate=template))

    assert refused.status_code == 422
    assert "tried on OTHER-1" in refused.text


async def test_an_unknown_publisher_is_not_found(hub: Hub) -> None:
    answer = await hub.system.post(PLACE, json=a_subscription(PublisherProgramId="NOBODY"))

    assert answer.status_code == 404


async def test_the_cursor_is_set_by_hand(hub: Hub) -> None:
    await subscribe(hub)
    place = f"{PLACE}/OTHER"

    await hub.system.patch(place, json={"LastSyncUtc": "2026-01-31T12:00:00.123456+01:00"})
    assert (await shown(hub))["LastSyncUtc"] == "2026-01-31T11:00:00.123456Z"

    await hub.system.put(place, json={"LastSyncUtc": None})
    assert (await shown(hub))["LastSyncUtc"] is None


@pytest.mark.parametrize("moment", ["2026-01-31T12:00:00", "yesterday", 7, "2999-01-01T00:00:00Z"])
async def test_a_cursor_that_cannot_be_is_refused(hub: Hub, moment: object) -> None:
    await subscribe(hub)

    refused = await hub.system.patch(f"{PLACE}/OTHER", json={"LastSyncUtc": moment})

    assert refused.status_code == 422
    assert "/LastSyncUtc" in errors_of(refused)


async def test_changes_are_noted_with_who_made_them(hub: Hub) -> None:
    await subscribe(hub)
    await hub.system.patch(f"{PLACE}/OTHER", json={"SyncEnabled": False})
    await hub.system.patch(f"{PLACE}/OTHER", json={"SyncEnabled": False})
    await hub.system.delete(f"{PLACE}/OTHER")

    noted = await hub.house.audit.list(kind="subscription")
    assert [(entry.action, entry.subject) for entry in noted.items] == [
        ("deleted", "ACME/OTHER"),
        ("changed", "ACME/OTHER"),
        ("created", "ACME/OTHER"),
    ]
    assert all(entry.by.startswith("admin") for entry in noted.items)


async def test_a_preview_takes_a_whole_map_and_says_what_it_took(hub: Hub) -> None:
    template = {
        "COURSE": {"importProcessId": 7, "batchRowTemplate": '{"n": {{n}} }'},
        "*": {"action": "ignore"},
    }
    data = '{"n": 12345678901234567890}'

    async def preview(event: str) -> str:
        body = f'{{"template": {json.dumps(template)}, "event": {event}}}'
        headers = {"Content-Type": "application/json"}
        answer = await hub.reader.post("/api/events/preview", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    taken = await preview(f'{{"PublisherEventCategory": "COURSE", "PublisherEventData": {data}}}')
    ignored = await preview(f'{{"PublisherEventData": {data}}}')

    assert taken == '{"row":{"n": 12345678901234567890 },"category":"COURSE"}'
    assert ignored == '{"row":null,"category":null}'


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"template": "{}"}, "/event"),
        ({"template": "{}", "event": {}}, "/event/PublisherEventData"),
        ({"template": "{}", "event": EVENT | {"EventType": "X"}}, "/event/EventType"),
        ({"template": {"*": {}}, "event": EVENT}, "/template/*/importProcessId"),
        ({"template": "{{", "event": EVENT}, "/template"),
    ],
    ids=str,
)
async def test_what_cannot_be_previewed_is_refused(
    hub: Hub, body: dict[str, object], pointer: str
) -> None:
    refused = await hub.acme.post("/api/events/preview", json=body)

    assert refused.status_code == 422
    assert pointer in errors_of(refused)
