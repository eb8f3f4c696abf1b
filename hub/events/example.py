"""An event that was made up to try something on: what it leaves out is filled in. Pure."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from hub.events.event import Event
from hub.events.fields import flaws
from hub.events.reading import InvalidEvents, event_of
from hub.xapi.flaw import Flaw, point

MADE_UP: Mapping[str, object] = {
    "EventId": "EXAMPLE-1",
    "PublisherProgramId": "EXAMPLE",
    "EventType": "AI_COMP_SUCCESS",
    "PublisherParticipantId": "ann@example.org",
    "EventStartUtc": "2026-01-31T12:00:00Z",
}


class _Body(msgspec.Struct):
    event: dict[str, msgspec.Raw]


_body = msgspec.json.Decoder(_Body)


def as_example(written: Mapping[str, object], body: bytes, now: datetime) -> Event:
    """Read the `event` of a body as an event that is kept. Raises InvalidEvents."""
    given = {name: value for name, value in written.items() if name != "CreatedUtc"}
    program_id = given.get("PublisherProgramId", MADE_UP["PublisherProgramId"])
    whole = {**MADE_UP, "EventId": f"{program_id}-1", **given}
    if "EventStartUTC" in given and "EventStartUtc" not in given:
        del whole["EventStartUtc"]
    if found := [Flaw(point("event") + flaw.pointer, flaw.detail) for flaw in flaws(whole)]:
        raise InvalidEvents(found)
    return Event(event_of(whole, _body.decode(body).event), created_at=now)
