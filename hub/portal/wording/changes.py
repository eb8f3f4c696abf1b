"""Changes, as the audit has them, field by field in words. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

OUTCOMES = ("before", "after")


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one field; None is what was or is not there.

    `told` is what is said instead, where no two values are known: of secrets, and of deeds.
    """

    field: str
    before: str | None = None
    after: str | None = None
    told: str = ""


def lines(changes: Mapping[str, JsonValue]) -> list[Line]:
    """Say what differs, the members of members too."""
    return [line for name, change in changes.items() for line in _lines(_words(name), change)]


def _lines(name: str, change: JsonValue) -> Iterator[Line]:
    if not isinstance(change, dict) or set(change) != set(OUTCOMES):
        yield Line(name, told=_text(change) or "")
        return
    before, after = change["before"], change["after"]
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        yield Line(name, _text(before), _text(after))
        return
    old, new = before or {}, after or {}
    for member in (*old, *(one for one in new if one not in old)):
        if old.get(member) != new.get(member):
            both: JsonValue = {"before": old.get(member), "after": new.get(member)}
            yield from _lines(f"{name}: {_words(member)}", both)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: JsonValue) -> str | None:
    if value in (None, "", [], {}):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
