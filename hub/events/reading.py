"""Reads events as publishers write them. Pure; whatever is wrong is told with its place.

The JSON text of PublisherEventData is cut out of the body and kept as it stands, so that no number
is rounded and no key changes its place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import msgspec

from hub.errors import HubError
from hub.events.event import Category, EventType, NewEvent
from hub.events.fields import flaws, moment
from hub.xapi import json_text
from hub.xapi.errors import InvalidJson, TooMany
from hub.xapi.flaw import MOST_FLAWS, Flaw, point

DATA = "PublisherEventData"
NO_OBJECT = Flaw("", "must be an event, which is an object")

Written = Mapping[str, object]
Raw = Mapping[str, msgspec.Raw]

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])


class InvalidEvents(HubError):
    """What was handed in is JSON, but not events; nothing of it was taken."""

    def __init__(self, errors: Sequence[Flaw]) -> None:
        first = errors[0]
        super().__init__(f"{first.pointer or 'the body'}: {first.detail}")
        self.errors = tuple(errors)


class TooManyEvents(TooMany):
    """More events in one request than are taken at once."""

    noun = "events"


def read(
    body: bytes, *, max_batch: int, new_id: Callable[[str], str]
) -> tuple[Sequence[NewEvent], bool]:
    """Read an event or an array of them; say also whether it was an array.

    `new_id` makes an id for an event of that program which came without one. Raises InvalidJson,
    InvalidEvents, TooManyEvents.
    """
    parsed = json_text.parse(body)
    if not isinstance(parsed, list):
        return [_read_one(parsed, body, new_id)], False
    if not parsed:
        raise InvalidEvents([Flaw("", "must hold at least one event")])
    if len(parsed) > max_batch:
        raise TooManyEvents(len(parsed), max_batch)
    # Each by itself: a short text is cleared by a look at its bytes, one of a thousand is not.
    texts = [bytes(raw) for raw in _elements.decode(body)]
    pairs = list(zip(texts, parsed, strict=True))
    if some := _first(
        _within(number, unsound)
        for number, (text, one) in enumerate(pairs)
        for unsound in json_text.flaws(text, one, nulls=True)
    ):
        raise InvalidJson(some)
    if some := _first(
        _within(number, flaw) for number, one in enumerate(parsed) for flaw in _flaws(one)
    ):
        raise InvalidEvents(some)
    return [event_of(one, _members.decode(text), new_id) for text, one in pairs], True


def _read_one(parsed: object, body: bytes, new_id: Callable[[str], str]) -> NewEvent:
    if some := _first(json_text.flaws(body, parsed, nulls=True)):
        raise InvalidJson(some)
    if not isinstance(parsed, dict):
        raise InvalidEvents([NO_OBJECT])
    if some := _first(flaws(parsed)):
        raise InvalidEvents(some)
    return event_of(parsed, _members.decode(body), new_id)


def _flaws(one: object) -> Iterable[Flaw]:
    return flaws(one) if isinstance(one, dict) else [NO_OBJECT]


def _within(number: int, flaw: Flaw) -> Flaw:
    return Flaw(point(number) + flaw.pointer, flaw.detail)


def _first(found: Iterable[Flaw]) -> list[Flaw]:
    return list(islice(found, MOST_FLAWS))


def event_of(
    one: Written, raw: Raw, new_id: Callable[[str], str] = lambda program_id: f"{program_id}-1"
) -> NewEvent:
    """Make an event of what has no flaw; `raw` has the text of its data."""
    program_id = str(one["PublisherProgramId"])
    start = moment(one.get("EventStartUtc") or one.get("EventStartUTC"))
    if start is None:
        raise AssertionError("an event without a flaw has a start")
    return NewEvent(
        id=str(one.get("EventId") or new_id(program_id)),
        publisher_program_id=program_id,
        type=EventType(str(one["EventType"])),
        publisher_participant_id=str(one["PublisherParticipantId"]),
        data=bytes(raw[DATA]).decode(),
        starts_at=start,
        ends_at=moment(one.get("EventEndUtc") or one.get("EventEndUTC")),
        publisher_system_id=_text(one.get("PublisherSystemId")),
        publisher_event_id=_text(one.get("PublisherEventId")),
        category=_category(one.get("PublisherEventCategory")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _category(value: object) -> Category | None:
    match value:
        case None:
            return None
        case {"value": value, **rest}:
            return Category(str(value), _text(rest.get("label")))
        case _:
            return Category(str(value))
