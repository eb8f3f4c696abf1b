"""Reads statements as they come in: cut apart without a byte changed, and minimally checked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from config.sandbox.errors import RefusedRequest

_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class Account(Struct, rename="camel"):
    """An account, as far as it is looked at."""

    name: str
    home_page: str | UnsetType = UNSET


class Actor(Struct, rename="camel"):
    """An agent or a group, as far as it is looked at."""

    mbox: str | UnsetType = UNSET
    mbox_sha1sum: str | UnsetType = msgspec.field(default=UNSET, name="mbox_sha1sum")
    openid: str | UnsetType = UNSET
    account: Account | UnsetType = UNSET
    object_type: str | UnsetType = UNSET
    member: list[Raw] | UnsetType = UNSET


class Verb(Struct):
    """A verb, as far as it is looked at."""

    id: str


class Thing(Struct, rename="camel"):
    """The object of a statement, as far as it is looked at."""

    id: str | UnsetType = UNSET
    object_type: str = "Activity"


class Shape(Struct):
    """A statement, as far as it is looked at."""

    actor: Actor
    verb: Verb
    object: Thing
    id: str | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Incoming:
    """A statement taken apart from its request; `body` is byte for byte what was sent."""

    id: str
    body: bytes


_several = msgspec.json.Decoder(list[Raw])
_shape = msgspec.json.Decoder(Shape)


class Name(Struct):
    """Only the id of a statement, for the log."""

    id: str | UnsetType = UNSET


_name = msgspec.json.Decoder(Name)


def read(body: bytes, *, lenient: bool = False) -> list[Incoming]:
    """Take a request apart into statements; refuse all of them if one is bad.

    With `lenient`, an account may lack its homePage and an activity's id its scheme, as some
    receivers have it.
    """
    statements = [
        _one(raw, place, lenient=lenient) for place, raw in enumerate(_cut(body), start=1)
    ]
    if len({one.id for one in statements}) < len(statements):
        raise RefusedRequest(400, "two statements of the batch have the same id")
    return statements


def peek(body: bytes) -> tuple[Sequence[str], int]:
    """Return ids and count of the statements, as far as they can be made out."""
    try:
        pieces = _cut(body)
        named = [_name.decode(raw).id for raw in pieces]
    except (RefusedRequest, msgspec.MsgspecError, RecursionError):
        return (), 0
    return [one.lower() for one in named if isinstance(one, str)], len(pieces)


def _cut(body: bytes) -> list[Raw]:
    try:
        body.decode()
        if body.lstrip()[:1] != b"[":
            msgspec.json.decode(body, type=Raw)
            return [Raw(body.strip())]
        return _several.decode(body)
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError) as flaw:
        raise RefusedRequest(400, f"not JSON: {flaw}") from flaw


def _one(raw: Raw, place: int, *, lenient: bool) -> Incoming:
    try:
        shape = _shape.decode(raw)
        _check(shape, lenient=lenient)
    except (msgspec.MsgspecError, ValueError, RecursionError) as flaw:
        raise RefusedRequest(400, f"statement {place}: {flaw}") from flaw
    return Incoming(str(uuid4()) if shape.id is UNSET else shape.id.lower(), bytes(raw))


def _check(shape: Shape, *, lenient: bool) -> None:
    if shape.id is not UNSET and not _UUID.fullmatch(shape.id):
        raise ValueError(f"id {shape.id!r} is not a UUID")
    if not _IRI.fullmatch(shape.verb.id):
        raise ValueError(f"verb.id {shape.verb.id!r} is not an IRI")
    _check_actor(shape.actor, lenient=lenient)
    _check_object(shape.object, lenient=lenient)


def _check_actor(actor: Actor, *, lenient: bool) -> None:
    found = [actor.mbox, actor.mbox_sha1sum, actor.openid, actor.account]
    count = sum(one is not UNSET for one in found)
    if count == 0 and actor.object_type == "Group" and actor.member is not UNSET:
        return
    if count != 1:
        raise ValueError(f"actor has {count} identifiers (mbox, account, ...) instead of one")
    if actor.mbox is not UNSET and not actor.mbox.startswith("mailto:"):
        raise ValueError(f"actor.mbox {actor.mbox!r} does not start with mailto:")
    if actor.account is UNSET or lenient:
        return
    if actor.account.home_page is UNSET or not _IRI.fullmatch(actor.account.home_page):
        raise ValueError("actor.account has no homePage that is an IRL")


def _check_object(thing: Thing, *, lenient: bool) -> None:
    if thing.object_type == "Activity":
        if thing.id is UNSET:
            raise ValueError("object has no id")
        if not lenient and not _IRI.fullmatch(thing.id):
            raise ValueError(f"object.id {thing.id!r} is not an IRI")
    elif thing.object_type == "StatementRef":
        if thing.id is UNSET or not _UUID.fullmatch(thing.id):
            raise ValueError("object.id of a StatementRef is not a UUID")
    elif thing.object_type not in {"Agent", "Group", "SubStatement"}:
        raise ValueError(f"object.objectType {thing.object_type!r} is unknown")
