"""The fields of an event, and what may stand in each. Pure.

Lengths are characters, as the documents of the Learning Hub give them; times are ISO 8601 with Z or
an offset, for a time without one means something else to each reader.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from hub.events.event import EventType
from hub.xapi.flaw import Flaw, point

PROGRAM_ID = re.compile(r"[A-Za-z0-9_.]{1,25}")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(?P<zone>Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)
LONGEST_OWN_PART = 128
LONGEST_CATEGORY = 200
LONGEST_EVENT_TYPE = 50
REQUIRED = ("PublisherProgramId", "EventType", "PublisherParticipantId", "PublisherEventData")
TEXTS = {
    "PublisherSystemId": 25,
    "PublisherEventId": 200,
    "PublisherParticipantId": 200,
}
STARTS, ENDS = ("EventStartUtc", "EventStartUTC"), ("EventEndUtc", "EventEndUTC")
KNOWN = frozenset({*REQUIRED, *TEXTS, *STARTS, *ENDS, "EventId", "PublisherEventCategory"})
TYPES = frozenset(EventType)


def flaws(event: Mapping[str, object]) -> Iterator[Flaw]:
    """Find everything that is wrong with one event."""
    for name in event:
        if name in KNOWN:
            continue
        given = name in {"CreatedUtc", "CreatedUTC"}
        words = "is given by the hub" if given else "is not a key that is known here"
        yield Flaw(point(name), words)
    for name in REQUIRED:
        if name not in event:
            yield Flaw(point(name), "is missing")
    yield from _program_flaws(event)
    for name, longest in TEXTS.items():
        required = name in REQUIRED
        if (value := event.get(name)) is not None or (required and name in event):
            yield from _text_flaws(point(name), value, longest)
    kind = event.get("EventType", "")
    if "EventType" in event and not (isinstance(kind, str) and kind in TYPES):
        yield Flaw("/EventType", f"must be one of {', '.join(EventType)}")
    yield from _category_flaws(event.get("PublisherEventCategory"))
    yield from _time_flaws(event)


def moment(value: object) -> datetime | None:
    """Read a time with Z or an offset into UTC, to the microsecond; None if it is none."""
    if not isinstance(value, str) or not (found := MOMENT.fullmatch(value)) or not found["zone"]:
        return None
    try:
        return datetime.fromisoformat(value.replace(",", ".")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _program_flaws(event: Mapping[str, object]) -> Iterator[Flaw]:
    program_id, event_id = event.get("PublisherProgramId"), event.get("EventId")
    if "PublisherProgramId" in event and not (
        isinstance(program_id, str) and PROGRAM_ID.fullmatch(program_id)
    ):
        yield Flaw("/PublisherProgramId", "must be 1 to 25 of A-Z a-z 0-9 _ .")
        return
    if event_id is None or program_id is None:
        return
    own = event_id.removeprefix(f"{program_id}-") if isinstance(event_id, str) else ""
    if not own or own == event_id or len(own) > LONGEST_OWN_PART or UNPRINTABLE.search(own):
        words = f"must be {program_id}- and 1 to {LONGEST_OWN_PART} characters, or left out"
        yield Flaw("/EventId", words)


def _text_flaws(pointer: str, value: object, longest: int) -> Iterator[Flaw]:
    if not isinstance(value, str):
        yield Flaw(pointer, "must be a string")
    elif not 1 <= len(value) <= longest:
        yield Flaw(pointer, f"must have 1 to {longest} characters")
    elif UNPRINTABLE.search(value):
        yield Flaw(pointer, "must be one line, without control characters")


def _category_flaws(category: object) -> Iterator[Flaw]:
    pointer = "/PublisherEventCategory"
    match category:
        case None:
            pass
        case str():
            yield from _text_flaws(pointer, category, LONGEST_CATEGORY)
        case {"value": value, **rest}:
            yield from _text_flaws(f"{pointer}/value", value, LONGEST_CATEGORY)
            if (label := rest.pop("label", None)) is not None:
                yield from _text_flaws(f"{pointer}/label", label, LONGEST_CATEGORY)
            for name in rest:
                yield Flaw(pointer + point(str(name)), "is not a key that is known here")
        case {}:
            yield Flaw(f"{pointer}/value", "is missing")
        case _:
            yield Flaw(pointer, 'must be a string, or {"value": "...", "label": "..."}')


def _time_flaws(event: Mapping[str, object]) -> Iterator[Flaw]:
    times = []
    for names in (STARTS, ENDS):
        given = [name for name in names if event.get(name) is not None]
        if names is STARTS and not given:
            yield Flaw(point(names[0]), "is missing")
        read = [moment(event[name]) for name in given]
        for name, found in zip(given, read, strict=True):
            if found is None:
                yield Flaw(point(name), _why_no_moment(event[name]))
        if len(set(read)) > 1 and None not in read:
            yield Flaw(point(names[1]), f"is another time than {names[0]}")
        times.append(read[0] if read else None)
    starts_at, ends_at = times
    if starts_at and ends_at and ends_at < starts_at:
        yield Flaw(point(ENDS[0]), f"is before {STARTS[0]}")


def _why_no_moment(value: object) -> str:
    if not isinstance(value, str) or not (found := MOMENT.fullmatch(value)):
        return "must be a time such as 2026-01-31T12:00:00Z"
    if not found["zone"]:
        return "needs a zone: Z or an offset such as +01:00 at its end"
    return "is a time that no calendar has"
