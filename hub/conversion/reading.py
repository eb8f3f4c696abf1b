"""What a template made of an event is read as one completion, or refused with a reason.

A template cannot easily leave a member out, so an empty text or null in one that may be missing
counts as missing. The id is ours: it comes from the event, so that the same event makes the same
statements however often it is converted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from hub.events.event import NewEvent
from hub.xapi import json_text
from hub.xapi.completion import Completion
from hub.xapi.errors import InvalidJson
from hub.xapi.flaw import Flaw, flaws_of, point


@dataclass(frozen=True, slots=True)
class NoCompletion:
    """An event that makes no completion; the reason is for people."""

    reason: str


def read_completion(row: str, event: NewEvent) -> Completion | NoCompletion:
    """Read what a template made of this event."""
    try:
        parsed = json_text.read(row.encode(errors="surrogatepass"))
    except InvalidJson as error:
        return _refused(error.errors)
    if not isinstance(parsed, dict):
        return _refused([Flaw("", "must be one JSON object")])
    if "id" in parsed:
        return _refused([Flaw(point("id"), "must not be given, it comes from the EventId")])
    try:
        return Completion.model_validate(_completed(parsed, event))
    except ValidationError as error:
        return _refused(flaws_of(error))


def _completed(written: Mapping[str, object], event: NewEvent) -> dict[str, object]:
    ended = event.ends_at or event.starts_at
    members = {
        name: _without_blanks(member) if isinstance(member, dict) else member
        for name, member in _without_blanks(written).items()
    }
    completed_at = ended.isoformat().replace("+00:00", "Z")
    return {"completedAt": completed_at, **members, "id": event.id}


def _without_blanks(members: Mapping[str, object]) -> dict[str, object]:
    return {name: member for name, member in members.items() if member not in (None, "")}


def _refused(flaws: Iterable[Flaw]) -> NoCompletion:
    return NoCompletion(
        "; ".join(f"{flaw.pointer or 'the completion'} {flaw.detail}" for flaw in flaws)
    )
