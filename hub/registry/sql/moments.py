"""Moments of events as whole microseconds: exact, small, and the same in both databases."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros_of(moment: datetime) -> int:
    """Write a moment as microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def moment_of(micros: int) -> datetime:
    """Read a moment written as microseconds since 1970."""
    return EPOCH + micros * MICROSECOND


class Moments:
    """Many moments in little room: eight bytes each."""

    def __init__(self, parts: Iterable[Sequence[int] | None] = ()) -> None:
        self._micros = array("q", sorted(one for part in parts for one in part or ()))

    def __contains__(self, moment: datetime) -> bool:
        micros = micros_of(moment)
        place = bisect_left(self._micros, micros)
        return place < len(self._micros) and self._micros[place] == micros

    def __len__(self) -> int:
        return len(self._micros)
