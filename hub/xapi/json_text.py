"""JSON, read strictly: what parsers quietly settle, each in its own way, is refused with its place.

That is: repeated keys, NaN and Infinity, numbers out of range, lone surrogates, other encodings
than UTF-8, deep nesting. Integers of any usual length are kept exactly.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice

from hub.xapi.errors import InvalidJson
from hub.xapi.flaw import MOST_FLAWS, Flaw, point

STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
LONGEST_INTEGER = 4300
DEEPEST = 100
TOO_DEEP = "is nested too deeply"
EXACT = 2**53


class _RepeatedKey(Exception):
    """An object has a key twice."""


class _NotANumber(Exception):
    """A number that JSON does not have, or that no receiver could read."""


class _Pairs(list[tuple[str, object]]):
    """An object as it was written, repeated keys included."""


def parse(body: bytes) -> object:
    """Read one JSON text. Raises InvalidJson, saying where."""
    text = _decode(body)
    try:
        parsed: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _invalid(f"is not JSON: {error.msg} ({place})") from None
    except RecursionError:
        raise _invalid(TOO_DEEP) from None
    except _RepeatedKey:
        raise InvalidJson(list(islice(_repeated_keys(text), MOST_FLAWS))) from None
    except _NotANumber as error:
        token = str(error)
        place = _place(text, re.escape(token))
        raise _invalid(f"is not JSON: {token[:30]} is no number ({place})") from None
    except ValueError:
        place = _place(text, rf"\d{{{LONGEST_INTEGER + 1},}}")
        raise _invalid(f"has a number of more than {LONGEST_INTEGER} digits ({place})") from None
    return parsed


def read(body: bytes, *, max_depth: int = DEEPEST) -> object:
    """Read one JSON text that may have nulls, and whose characters and depth are sound."""
    parsed = parse(body)
    if found := list(islice(flaws(body, parsed, max_depth=max_depth, nulls=True), MOST_FLAWS)):
        raise InvalidJson(found)
    return parsed


def flaws(
    raw: bytes, parsed: object, *, max_depth: int = DEEPEST, nulls: bool = False
) -> Iterator[Flaw]:
    """Find lone surrogates, what is nested too deeply, and nulls outside of extensions."""
    # Most statements can be cleared by a look at their bytes, twenty times faster than by a walk.
    deep = raw.count(b"{") + raw.count(b"[") > max_depth
    if deep or b"\\u" in raw or (not nulls and b"null" in raw):
        yield from _walk(parsed, max_depth, nulls=nulls)


def _decode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise _invalid(f"is not UTF-8 (byte {error.start + 1})") from None


def _invalid(detail: str) -> InvalidJson:
    return InvalidJson([Flaw("", detail)])


def _place(text: str, token: str) -> str:
    for found in re.finditer(rf"{STRING}|{token}", text):
        if not found[0].startswith('"'):
            before = text[: found.start()]
            line = before.count("\n") + 1
            return f"line {line}, column {found.start() - before.rfind(chr(10))}"
    return "place unknown"


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedKey
    return members


def _refuse(token: str) -> object:
    raise _NotANumber(token)


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _NotANumber(text)
    # 1.0 and 1 are one number in JSON, so the same statement may be written either way.
    return int(number) if number.is_integer() and abs(number) < EXACT else number


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_refuse, parse_float=_number)


def _repeated_keys(text: str) -> Iterator[Flaw]:
    waiting: list[tuple[str, object]] = [("", json.loads(text, object_pairs_hook=_Pairs))]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, _Pairs):
            seen: set[str] = set()
            for key, member in value:
                if key in seen:
                    yield Flaw(pointer + point(key), "stands twice in the same object")
                seen.add(key)
                waiting.append((pointer + point(key), member))
        elif isinstance(value, list):
            waiting.extend((f"{pointer}/{number}", one) for number, one in enumerate(value))


def _walk(parsed: object, max_depth: int, *, nulls: bool) -> Iterator[Flaw]:
    waiting: list[tuple[str, int, bool, object]] = [("", 0, nulls, parsed)]
    while waiting:
        pointer, depth, extended, value = waiting.pop()
        if depth > max_depth:
            yield Flaw(pointer, f"{TOO_DEEP}: at most {max_depth} levels are taken")
        elif value is None and not extended:
            yield Flaw(pointer, "must not be null")
        elif isinstance(value, str) and not _is_unicode(value):
            yield Flaw(pointer, "has a lone surrogate, which is no character")
        elif isinstance(value, list):
            waiting.extend(
                (f"{pointer}/{number}", depth + 1, extended, one)
                for number, one in enumerate(value)
            )
        elif isinstance(value, dict):
            yield from _keys(pointer, value)
            waiting.extend(
                (pointer + point(key), depth + 1, extended or key == "extensions", member)
                for key, member in value.items()
            )


def _keys(pointer: str, members: dict[str, object]) -> Iterator[Flaw]:
    if not all(_is_unicode(key) for key in members):
        yield Flaw(pointer, "has a key with a lone surrogate, which is no character")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
