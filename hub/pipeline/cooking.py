"""Cooking: a recipe is given records one by one, and nothing it does to one ends the others."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from hub.recipes.context import Context
from hub.recipes.faults import RecordFault
from hub.recipes.record import Record

RECORD_SECONDS = 1.0

Cook = Callable[[Sequence[Record], Context], Iterator[object]]
"""Gives for each record what the recipe made of it, or the RecordFault it raised."""


class TooSlow(BaseException):
    """A record took longer than it may. Not an Exception: recipes catch those."""


def cooking_by(make: Callable[[Record, Context], object], *, timed: bool) -> Cook:
    """Cook record by record with a function; `timed`: it is not ours, and may take too long."""

    def cook(records: Sequence[Record], context: Context) -> Iterator[object]:
        for record in records:
            try:
                if not timed:
                    yield make(record, context)
                    continue
                with within(RECORD_SECONDS):
                    made = make(record, context)
                yield made
            except RecordFault as fault:
                yield fault
            except TooSlow:
                yield RecordFault("", f"the recipe takes longer than {RECORD_SECONDS:g} s")
            except MemoryError:
                yield RecordFault("", "the recipe needs too much memory")
            except Exception as error:  # noqa: BLE001  whatever a recipe does with a record
                yield RecordFault("", f"the recipe fails: {type(error).__name__}: {error}"[:300])

    return cook


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooSlow in what is done, after this time; on the main thread only."""
    signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_slow(_: int, __: FrameType | None) -> None:
    raise TooSlow
