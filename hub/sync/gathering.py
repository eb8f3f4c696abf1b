"""Rows gathered for each import process until there are enough of them for a batch. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.sync.frontier import Place


@dataclass(frozen=True, slots=True)
class Bounds:
    """What fits into one batch, and how many bytes are gathered in all before one must go."""

    rows: int = 5000
    bytes: int = 8 * 1024 * 1024
    bytes_in_all: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GatheredRow:
    """What a template made of the event that stands here."""

    place: Place
    text: str
    doubtful: bool = False
    """An earlier batch with this event may have been applied."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """The rows of one batch, in the order of their events."""

    import_process_id: str
    rows: Sequence[GatheredRow]

    @property
    def first(self) -> Place:
        """Where its first event stands."""
        return self.rows[0].place

    @property
    def moments(self) -> Sequence[datetime]:
        """The moments of its events."""
        return [row.place.moment for row in self.rows]

    @property
    def doubtful(self) -> bool:
        """Whether any of it may have been applied."""
        return any(row.doubtful for row in self.rows)


class Gathering:
    """The rows of one subscription that are not posted yet."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._heaps: dict[str, _Heap] = {}

    def add(self, import_process_id: str, row: GatheredRow) -> Parcel | None:
        """Add a row; give out what has to be posted now, if this makes anything full.

        A row that would make a batch too large is not part of it, but the first of the next.
        """
        size = len(row.text.encode())
        heap = self._heaps.setdefault(import_process_id, _Heap())
        full = None
        if heap.rows and heap.bytes + size > self._bounds.bytes:
            full = self._take(import_process_id)
            heap = self._heaps.setdefault(import_process_id, _Heap())
        heap.rows.append(row)
        heap.bytes += size
        if full is not None:
            return full
        if len(heap.rows) >= self._bounds.rows or heap.bytes >= self._bounds.bytes:
            return self._take(import_process_id)
        if sum(one.bytes for one in self._heaps.values()) >= self._bounds.bytes_in_all:
            return self._take(max(self._heaps, key=lambda name: self._heaps[name].bytes))
        return None

    def rest(self) -> Parcel | None:
        """Give out what is left, the oldest first; None when nothing is."""
        if not self._heaps:
            return None
        return self._take(min(self._heaps, key=lambda name: self._heaps[name].first.moment))

    def first(self) -> Place | None:
        """Tell where the oldest event that waits here stands."""
        firsts = (heap.first for heap in self._heaps.values())
        return min(firsts, key=lambda place: place.moment, default=None)

    def drop(self, import_process_id: str) -> None:
        """Forget what waits for one import process."""
        self._heaps.pop(import_process_id, None)

    def _take(self, import_process_id: str) -> Parcel:
        return Parcel(import_process_id, self._heaps.pop(import_process_id).rows)


class _Heap:
    def __init__(self) -> None:
        self.rows: list[GatheredRow] = []
        self.bytes = 0

    @property
    def first(self) -> Place:
        return self.rows[0].place
