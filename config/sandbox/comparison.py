"""Tells whether two statements of one id say the same.

xAPI 1.0.3 Part Two 2.3.1: what an LRS may assign, and what is only display, is not compared.
"""

import json
from datetime import datetime
from decimal import Decimal

_ASSIGNED = ("id", "stored", "authority", "version")


def same_content(one: bytes, other: bytes) -> bool:
    """Compare two JSON statements as an LRS does."""
    if one == other:
        return True
    left, right = _content(one), _content(other)
    return _same_moment(left, right) and left == right


def _content(body: bytes) -> dict[str, object]:
    # Decimal, because integers of any length must be told apart.
    content: dict[str, object] = json.loads(body, parse_int=Decimal, parse_float=Decimal)
    for name in _ASSIGNED:
        content.pop(name, None)
    _drop(content.get("verb"), "display")
    _drop(content.get("object"), "definition")
    return content


def _drop(part: object, name: str) -> None:
    if isinstance(part, dict):
        part.pop(name, None)


def _same_moment(left: dict[str, object], right: dict[str, object]) -> bool:
    ours, theirs = left.pop("timestamp", None), right.pop("timestamp", None)
    if ours is None or theirs is None:
        return True
    return _moment(ours) == _moment(theirs)


def _moment(stamp: object) -> object:
    try:
        return datetime.fromisoformat(str(stamp))
    except ValueError:
        return stamp
