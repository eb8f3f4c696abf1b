"""What a request may be refused for, before anything was asked of the rest of the hub.

ApiError
├── Unauthenticated     no valid key
├── Forbidden           the key may see this, but not do that
├── NotFound            not there, or not the caller's to see
├── BadRequest          the request itself cannot be understood
├── AlreadyThere        what was to be made is there; says which
├── PreconditionFailed  somebody else may have changed it first
├── Unprocessable       understood, but the values cannot be used; says where
├── BodyTooLarge        more bytes than are taken
├── NotJson             another media type than JSON, or packed
├── NotProven           a webhook that does not prove where it comes from
├── NotConfirmed        a subscription that could not be confirmed just now
├── NoUploads           a source that takes no files from callers
├── NoRecipe            a source that makes nothing of its files
└── TooOften            more requests in a time than are taken
"""

from collections.abc import Sequence
from datetime import timedelta

from hub.xapi.flaw import Flaw


class ApiError(Exception):
    """The root of all errors of this package."""


class Unauthenticated(ApiError):
    """No valid key came with the request."""


class Forbidden(ApiError):
    """The key may see this, but not do that."""


class NotFound(ApiError):
    """Not there, or not the caller's to see; which of the two is nobody's business."""


class BadRequest(ApiError):
    """The request itself cannot be understood."""


class AlreadyThere(ApiError):
    """What was to be made is there already, and nothing was made."""

    def __init__(self, errors: Sequence[Flaw]) -> None:
        super().__init__(f"{errors[0].pointer}: {errors[0].detail}")
        self.errors = tuple(errors)


class PreconditionFailed(ApiError):
    """What the caller expects it to be, it is not."""


class Unprocessable(ApiError):
    """What was sent is understood, but its values cannot be used."""

    def __init__(self, errors: Sequence[Flaw]) -> None:
        first = errors[0]
        super().__init__(f"{first.pointer or 'the body'}: {first.detail}")
        self.errors = tuple(errors)


class BodyTooLarge(ApiError):
    """More bytes than are taken in one request."""

    def __init__(self, bound: int) -> None:
        super().__init__(f"at most {bound} bytes are taken in one request")


class NotJson(ApiError):
    """Another media type than JSON, or a webhook that is packed."""


class NotProven(ApiError):
    """A webhook that does not prove where it comes from; nothing of it is kept."""


class NotConfirmed(ApiError):
    """A subscription that could not be confirmed just now, with whoever offered it."""


class NoUploads(ApiError):
    """A source that takes no files from callers."""


class NoRecipe(ApiError):
    """A source that makes nothing of its files, which others look up in."""


class TooOften(ApiError):
    """More requests in a time than are taken; `pause` is how long to wait."""

    def __init__(self, told: str, pause: timedelta) -> None:
        super().__init__(told)
        self.pause = pause
