"""What is wrong with what arrives.

XapiError
├── Invalid                 what is wrong, and where, as JSON pointers
│   ├── InvalidJson             no JSON as we take it
│   ├── InvalidStatements       no valid statements
│   └── InvalidCompletions      no valid completions
└── TooMany                 more in one request than is taken at once
    ├── TooManyStatements
    └── TooManyCompletions
"""

from collections.abc import Sequence
from typing import ClassVar

from hub.xapi.flaw import Flaw


class XapiError(Exception):
    """The root of all errors of this package."""


class Invalid(XapiError):
    """What was sent cannot be taken, and nothing of it was."""

    def __init__(self, errors: Sequence[Flaw]) -> None:
        first = errors[0]
        super().__init__(f"{first.pointer or 'the body'}: {first.detail}")
        self.errors = tuple(errors)


class InvalidJson(Invalid):
    """What was sent is no JSON as we take it."""


class InvalidStatements(Invalid):
    """What was sent are no valid statements."""


class InvalidCompletions(Invalid):
    """What was sent are no valid completions."""


class TooMany(XapiError):
    """More in one request than is taken at once."""

    noun: ClassVar[str] = "records"

    def __init__(self, count: int, bound: int) -> None:
        super().__init__(f"{count} {self.noun} in one request; at most {bound} are taken at once")
        self.count = count
        self.bound = bound


class TooManyStatements(TooMany):
    """More statements in one request than are taken at once."""

    noun = "statements"


class TooManyCompletions(TooMany):
    """More completions in one request than are taken at once."""

    noun = "completions"
