"""One thing that is wrong in what was sent, and where: a JSON pointer and a sentence."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import ValidationError

MOST_FLAWS = 50
"""More than this nobody reads, and a hostile body could have millions."""

SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not a key that is known here",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be an array",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "int_type": "must be an integer",
}


class Flaw(NamedTuple):
    """One thing that is wrong. `pointer` is a JSON pointer (RFC 6901) into what was sent."""

    pointer: str
    detail: str


def point(*steps: str | int) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def tag(kind: str) -> str:
    """Name a branch of a union so that pydantic's places can be told from keys that were sent."""
    return f"<{kind}>"


def flaws_of(error: ValidationError) -> Iterator[Flaw]:
    """Put pydantic's findings in our words."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return (flaw_of(one["type"], one["loc"], one["msg"]) for one in details)


def flaw_of(kind: str, steps: Sequence[str | int], words: str) -> Flaw:
    """Put one finding of pydantic in our words."""
    pointer = point(*(step for step in steps if not _is_tag(step)))
    if kind == "missing" and pointer.endswith("/fileUrl"):
        return Flaw(pointer, "is missing: only JSON is taken, so files must have an address")
    sentence = words.removeprefix("Value error, ").replace("Input should", "must")
    return Flaw(pointer, SENTENCES.get(kind, sentence.replace("List should", "must")))


def _is_tag(step: str | int) -> bool:
    return isinstance(step, str) and (step == "[key]" or (step[:1] == "<" and step[-1:] == ">"))
