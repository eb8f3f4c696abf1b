"""Cooking: a recipe is given records one by one, and nothing it does to one ends the others."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from hub.recipes.catalogue import words_of
from hub.recipes.context import Context
from hub.recipes.faults import RecordFault
from hub.recipes.record import Record

RECORD_SECONDS = 1.0
MERCY_SECONDS = 2.0
MOST_SLOW = 10
"""So many records in a row may take too long; of a lot, the others are not tried then."""
TOO_SLOW = f"the recipe takes longer than {RECORD_SECONDS:g} s"
NOT_TRIED = f"was not tried: of {MOST_SLOW} records before it, each took longer than it may"

Cook = Callable[[Sequence[Record], Context], Iterator[object]]
"""Gives for each record what the recipe made of it, or the RecordFault it raised."""


class TooSlow(BaseException):
    """A record took longer than it may. Not an Exception: recipes catch those."""


def cooking_by(make: Callable[[Record, Context], object], *, timed: bool) -> Cook:
    """Cook record by record with a function; `timed`: it is not ours, and may take too long."""
    slow = 0

    def cook(records: Sequence[Record], context: Context) -> Iterator[object]:
        nonlocal slow
        for record in records:
            if slow >= MOST_SLOW:
                yield RecordFault("", NOT_TRIED)
                continue
            made = _one(make, record, context, timed=timed)
            yield made
            if timed:
                is_slow = isinstance(made, RecordFault) and made.reason == TOO_SLOW
                slow = slow + 1 if is_slow else 0

    return cook


def _one(
    make: Callable[[Record, Context], object], record: Record, context: Context, *, timed: bool
) -> object:
    try:
        if not timed:
            return make(record, context)
        with within(RECORD_SECONDS):
            return make(record, context)
    except RecordFault as fault:
        return fault
    except TooSlow:
        return RecordFault("", TOO_SLOW)
    except MemoryError:
        return RecordFault("", "the recipe needs too much memory")
    except BaseException as error:  # noqa: BLE001  whatever a recipe does with a record, as SystemExit
        return RecordFault("", f"the recipe fails: {words_of(error)}")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooSlow in what is done, after this time; on the main thread only.

    Whoever swallows that, and goes on, is ended with the process two seconds later.
    """
    signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, seconds, MERCY_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_slow(_: int, __: FrameType | None) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    raise TooSlow
