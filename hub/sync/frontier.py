"""How far a subscription's cursor may move: never past an event that is not settled. Pure.

An event is settled when it is accepted, or when the templates ignore it. The cursor goes to the
last event before the first unsettled one, so where nothing was settled it stays where it is.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the window; `after` is the one before it, or the cursor."""

    moment: datetime
    after: datetime | None


class Frontier:
    """What is known of one subscription's window: read so far, and what of that is unsettled."""

    def __init__(self, cursor: datetime | None) -> None:
        self._read_through = cursor
        self._unsettled: Place | None = None

    def step(self, moment: datetime) -> Place:
        """Go on to the next event, and tell where it stands."""
        place = Place(moment, self._read_through)
        self._read_through = moment
        return place

    def end(self, until: datetime) -> None:
        """Note that the window has no further event."""
        self._read_through = until

    def leave(self, place: Place) -> None:
        """Note an event that stays unsettled in this run."""
        if self._unsettled is None or place.moment < self._unsettled.moment:
            self._unsettled = place

    def cursor(self, waiting: Place | None) -> datetime | None:
        """Tell how far the cursor may go while events from `waiting` on wait to be posted."""
        unsettled = [place for place in (waiting, self._unsettled) if place is not None]
        if not unsettled:
            return self._read_through
        return min(unsettled, key=lambda place: place.moment).after
