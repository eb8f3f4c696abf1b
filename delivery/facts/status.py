"""Where an integration's delivery stands, and how that changes. Pure.

accepted   unavailable          refused   updated        disabled   enabled
flowing   flowing    down, probe in 60 s  refused   flowing        disabled   -
down      flowing    down, probe in 60 s  refused   flowing, ring  disabled   -
refused   -          -                    -         flowing, ring  disabled   -
disabled  -          -                    -         disabled       -          flowing, ring
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_RETRY_AFTER = timedelta(hours=1)
"""A server may ask for more, but nobody should wait longer than this to hear that it is back."""


class Status(StrEnum):
    """The four states of an integration's delivery."""

    FLOWING = "flowing"
    DOWN = "down"
    REFUSED = "refused"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Heard:
    """What delivery last heard of an integration."""

    revision: int
    version: int


@dataclass(frozen=True, slots=True)
class Brief:
    """As much of one integration's delivery as it takes to choose some of many."""

    status: Status
    has_parked: bool


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one integration's delivery at a moment."""

    status: Status
    since: datetime | None
    reason: str | None
    next_attempt_at: datetime | None
    queued: int
    parked: int
    oldest_queued_at: datetime | None
    last_delivered_at: datetime | None
    last_alert_at: datetime | None


def next_probe(now: datetime, *, pause: timedelta, retry_after: timedelta | None) -> datetime:
    """Say when to try again: after the pause, or when the server asked, within bounds."""
    wait = max(pause, min(retry_after or pause, max(pause, LONGEST_RETRY_AFTER)))
    return now + wait
