"""What the pages of the Learning Hub are tried on: events of OTHER, and ACME that wants them."""

from collections.abc import Mapping

from tests.hub.api.conftest import Hub

ROOT = "/portal/learning"
COURSE = {"label": "Courses", "importProcessId": 7, "batchRowTemplate": '{\n"n": {{n}}\n}'}
TEMPLATE: Mapping[str, object] = {"COURSE": COURSE, "*": {"action": "ignore"}}


def an_event(event_id: str, **changes: object) -> dict[str, object]:
    return {
        "EventId": event_id,
        "PublisherProgramId": event_id.partition("-")[0],
        "EventType": "AI_COMP_SUCCESS",
        "PublisherParticipantId": "ann@example.org",
        "PublisherEventCategory": {"value": "COURSE", "label": "A course"},
        "PublisherEventData": {"n": 1},
        "EventStartUtc": "2026-03-02T09:00:00Z",
        **changes,
    }


async def publish(hub: Hub, event_id: str, **changes: object) -> None:
    made = await hub.system.post("/api/events", json=an_event(event_id, **changes))
    assert made.status_code == 201, made.text


async def subscribe(hub: Hub, template: object = TEMPLATE) -> None:
    form = {"PublisherProgramId": "OTHER", "LbApiPayloadTemplate": template}
    made = await hub.system.post("/api/programs/ACME/eventSubs", json=form)
    assert made.status_code == 201, made.text


async def subscribed(hub: Hub) -> dict[str, object]:
    found: dict[str, object] = (await hub.system.get("/api/programs/ACME/eventSubs/OTHER")).json()
    return found
