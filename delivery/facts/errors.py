"""What must not happen in delivery.

What the world may do (a server that is down or says no) is a value, see `outcome`. The rest:

    DeliveryError
    ├── UnknownIntegration      no integration has this id, or it is being deleted
    ├── StatementConflict       a known statement id came again with other content
    ├── StatementsWaiting       an integration with statements cannot just be deleted
    ├── NothingMeant            an operation would change nothing
    ├── SealBroken              what was sealed cannot be opened (any more)
    ├── QueueFull               the integration's queue has reached its bound
    ├── MailUnavailable         the mail server takes nothing now
    ├── MailRefused             the mail server will never take this letter
    └── StoreUnavailable        Redis cannot be reached, or cannot take any more
        └── StoreFull           Redis refuses to write for want of memory
"""

from collections.abc import Sequence


class DeliveryError(Exception):
    """The root of all errors of this package."""


class UnknownIntegration(DeliveryError):
    """No integration has this id, or it is being deleted."""


class StatementConflict(DeliveryError):
    """Known statement ids came again with other content; nothing was taken."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"already known with other content: {', '.join(ids)}")
        self.ids = tuple(ids)


class StatementsWaiting(DeliveryError):
    """An integration with statements cannot be deleted unless that is said."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} statements wait for delivery or are parked")
        self.count = count


class NothingMeant(DeliveryError):
    """An operation would change nothing, so it was not begun."""


class SealBroken(DeliveryError):
    """What was sealed cannot be opened (any more)."""


class QueueFull(DeliveryError):
    """The integration's queue has reached its bound; nothing was taken."""


class MailUnavailable(DeliveryError):
    """The mail server cannot take anything now."""


class MailRefused(DeliveryError):
    """The mail server will never take this letter."""


class StoreUnavailable(DeliveryError):
    """Redis cannot be reached; whether the last write arrived is unknown, so repeat it."""


class StoreFull(StoreUnavailable):
    """Redis refuses to write for want of memory; nothing was taken."""
