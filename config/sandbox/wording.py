"""Puts switches and statements into the plain words that the pages show."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct

from config.sandbox.lrs import Held, as_read
from config.sandbox.switch import Mode, Switch


class _Account(Struct):
    name: str = ""


class _Actor(Struct):
    name: object = None
    mbox: str = ""
    account: _Account = msgspec.field(default_factory=_Account)


class _Verb(Struct):
    id: str
    display: object = None


class _Definition(Struct):
    name: object = None


class _Object(Struct):
    id: str = ""
    definition: object = None


class _Said(Struct):
    actor: _Actor
    verb: _Verb
    object: _Object


_said = msgspec.json.Decoder(_Said)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A statement as one line of the page, with all of it on demand."""

    id: str
    stored: datetime
    actor: str
    verb: str
    object: str
    raw: str


def sentence(held: Held) -> Sentence:
    """Put a statement into words."""
    said = _said.decode(held.body)
    return Sentence(
        id=held.id,
        stored=held.stored,
        actor=_actor(said.actor),
        verb=_text(said.verb.display) or _tail(said.verb.id),
        object=_name_of(said.object.definition) or said.object.id or "something",
        raw=msgspec.json.format(as_read(held), indent=2).decode(),
    )


def describe(switch: Switch, deed: str) -> str:
    """Say in plain words what a switch does; `deed` is what the endpoint does when honest."""
    return _what(switch, deed) + _narrowed(switch)


def _what(switch: Switch, deed: str) -> str:
    match Mode(switch.mode):
        case Mode.OK:
            return "Answers honestly"
        case Mode.STATUS:
            return f"Answers {switch.status}"
        case Mode.SLOW:
            return f"Waits {switch.seconds:g} s, then answers"
        case Mode.SILENT:
            return "Takes requests, never answers"
        case Mode.RESET:
            return "Cuts the connection"
        case Mode.CLOSE:
            return "Closes the connection unanswered"
        case Mode.APPLY_THEN_RESET:
            return f"{deed}, then cuts the connection"
        case Mode.APPLY_THEN_503:
            return f"{deed}, then answers 503"


def _narrowed(switch: Switch) -> str:
    words = ""
    if switch.times is not None:
        words += f", {switch.times} more {'time' if switch.times == 1 else 'times'}"
    if switch.only is not None:
        words += f", only for {len(switch.only.statement_ids)} named statements"
    return words


def _actor(actor: _Actor) -> str:
    named = actor.name if isinstance(actor.name, str) else ""
    return named or actor.mbox.removeprefix("mailto:") or actor.account.name or "somebody"


def _name_of(definition: object) -> str:
    return _text(definition.get("name")) if isinstance(definition, dict) else ""


def _text(language_map: object) -> str:
    if not isinstance(language_map, dict):
        return ""
    return next((text for text in language_map.values() if isinstance(text, str)), "")


def _tail(iri: str) -> str:
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2]
