"""What is wrong with statements that arrive.

XapiError
├── InvalidStatements   what is wrong, and where, as JSON pointers
└── TooManyStatements   more in one request than are taken at once
"""

from collections.abc import Sequence
from typing import NamedTuple


class Flaw(NamedTuple):
    """One thing that is wrong. `pointer` is a JSON pointer (RFC 6901) into what was sent."""

    pointer: str
    detail: str


class XapiError(Exception):
    """The root of all errors of this package."""


class InvalidStatements(XapiError):
    """What was sent are no valid statements; nothing was taken."""

    def __init__(self, errors: Sequence[Flaw]) -> None:
        first = errors[0]
        super().__init__(f"{first.pointer or 'the body'}: {first.detail}")
        self.errors = tuple(errors)


class TooManyStatements(XapiError):
    """More statements in one request than are taken at once."""

    def __init__(self, count: int, bound: int) -> None:
        super().__init__(f"{count} statements in one request; at most {bound} are taken at once")
        self.count = count
        self.bound = bound
