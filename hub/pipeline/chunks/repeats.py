"""Repeats: records that make a statement which one before them made, or contradict it. Pure.

Ids are made of what is said, unless a recipe names them itself. So the same id twice is a record
twice, or a recipe that gives one id to two things; either is told, and neither is lost in silence.
"""

from itertools import chain

import msgspec

from hub.pipeline.mill.asking import Fault, Ground, Made
from hub.pipeline.mill.making import MOST_FAULTS, note_skip

REPEATED = "it repeats a record before it: its statement is the same"


def without_repeats(ground: Ground) -> Ground:
    """Give what became of a piece with each statement once.

    A record that adds nothing to those before it is skipped; one that contradicts them, or itself,
    has failed, and nothing is made of it.
    """
    if all(len({one.id for one in made}) == len(made) for made in ground.made):
        return ground
    kept = msgspec.structs.replace(
        ground,
        made=[[] for _ in ground.made],
        faults=[*ground.faults],
        skips=dict(ground.skips),
    )
    known: list[dict[str, Made]] = [{} for _ in ground.made]
    for several in _by_record(ground):
        _take(kept, known, several)
    kept.faults = sorted(kept.faults, key=lambda fault: fault.line)[:MOST_FAULTS]
    return kept


def _by_record(ground: Ground) -> list[list[tuple[int, Made]]]:
    """Give what was made, record by record, with the place of the target."""
    found: dict[int, list[tuple[int, Made]]] = {}
    placed = (((place, one) for one in made) for place, made in enumerate(ground.made))
    for place, one in chain.from_iterable(placed):
        found.setdefault(one.record, []).append((place, one))
    return [found[number] for number in sorted(found)]


def _take(kept: Ground, known: list[dict[str, Made]], several: list[tuple[int, Made]]) -> None:
    new: dict[tuple[int, str], Made] = {}
    for place, one in several:
        first = known[place].get(one.id) or new.setdefault((place, one.id), one)
        if first.digest != one.digest:
            kept.failed += 1
            kept.faults.append(Fault(one.line, "id", _words(first)))
            return
    for (place, statement_id), one in new.items():
        known[place][statement_id] = one
        kept.made[place].append(one)
    if not new:
        kept.skipped += 1
        note_skip(kept, REPEATED)


def _words(first: Made) -> str:
    return f"the statement {first.id} is made of line {first.line} too, with other content"
