"""Whether the pages of a round repeat themselves, however long it is. Pure.

Only two pages are remembered: the one before, and a landmark, which moves on whenever a page's
number is a power of two (R. P. Brent, 1980); so pages that go in a circle come by the landmark.
"""

import hashlib
from dataclasses import dataclass, replace

import msgspec

from hub.sources.pages import Step, Strange
from hub.sources.settings import Paging

COUNTING = frozenset({"page", "offset"})
"""Ways of paging in which every address is another, whatever the server makes of it."""


@dataclass(frozen=True, slots=True)
class Trail:
    """What is remembered of a round; each is a digest."""

    last: str = ""
    landmark: str = ""

    def onwards(
        self, paging: Paging, step: Step, further: Step | None, records: list[object]
    ) -> "tuple[Step | None, Trail]":
        """Say where to go on after a page, None for nowhere, and the trail then. Raises Strange."""
        these = _digest(msgspec.json.encode(records)) if records else ""
        is_same = bool(these) and these == self.last
        further = _unless_repeated(paging, step, further, is_same=is_same, records=len(records))
        if further is None:
            return None, replace(self, last=these)
        here = these if paging.type in COUNTING else _digest(step.url.encode())
        if here and here == self.landmark:
            raise Strange("the pages go in a circle: this one was there before in the same round")
        is_mark = step.number & (step.number - 1) == 0
        return further, Trail(these, here if is_mark else self.landmark)


def _unless_repeated(
    paging: Paging, step: Step, further: Step | None, *, is_same: bool, records: int
) -> Step | None:
    """Say where to go on; None if a page that repeats, or names itself, was the last."""
    if further is None:
        return None
    if paging.type in COUNTING:
        if not is_same:
            return further
        # Servers give their last page for all numbers beyond it. But one that gives the first page
        # twice, and a full one, knows of no numbers.
        if step.number > 1 or (paging.size is not None and records < paging.size):
            return None
        name = paging.parameter or paging.type
        raise Strange(f"it has the same records as the page before; is {name} the right parameter?")
    if further.url != step.url:
        return further
    if is_same:
        raise Strange("it has the same records as the page before, and names itself as the next")
    return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
