"""Why a record makes no statement: it does not count, or something is wrong with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skip:
    """The record is in order, but tells of nothing that is to be a statement."""

    reason: str


class RecordFault(Exception):
    """Something is wrong with a record; `field` names what, as the record does."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason
