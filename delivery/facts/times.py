"""Time as Redis keeps it: whole milliseconds since 1970. Elsewhere it is an aware datetime."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Gives the time now, aware and in UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Give whole milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def length_ms(length: timedelta) -> int:
    """Give a length of time in whole milliseconds."""
    return length // _MILLISECOND


def from_ms(ms: float | bytes) -> datetime:
    """Give the moment that `to_ms` wrote."""
    return _EPOCH + timedelta(milliseconds=int(ms))


def from_ms_or_none(ms: bytes | None) -> datetime | None:
    """Give the moment, or None where none was written."""
    return from_ms(ms) if ms else None
