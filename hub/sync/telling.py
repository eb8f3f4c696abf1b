"""What the contacts of a program are told of its syncs: what fails, publisher by publisher.

A run that went through takes back what was noted of one that failed, unless it was mailed by then.
"""

from collections.abc import Iterable
from typing import Protocol

from hub.sync.report import Failure, FailureKind, SyncReport

WHOLE_RUN = "the sync"
"""What a note is about that concerns no one publisher; with a space, it is no program's id."""
MOST_WORDS = 600
UNTOLD = frozenset({FailureKind.CHANGED, FailureKind.CUT_SHORT})
"""What nobody has to do anything about: the next run takes it up."""


class Notes(Protocol):
    """Where notes for a program's contacts are kept until a mail tells them."""

    async def note(self, program_id: str, about: str, words: str) -> None:
        """Keep a note; the same again replaces the words."""
        ...

    async def withdraw(self, program_id: str, about: str) -> None:
        """Take a note back, if it is there."""
        ...


class Telling:
    """Notes what failed, and withdraws what no longer does."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def tell(self, report: SyncReport, publishers: Iterable[str]) -> None:
        """Tell what came of a run over these publishers. Raises RegistryUnavailable."""
        program_id = report.sync.program_id
        told = [one for one in report.failures if one.kind not in UNTOLD]
        untold = {one.publisher for one in report.failures if one.kind in UNTOLD}
        failed = {one.publisher or WHOLE_RUN: one for one in reversed(told)}
        for about, failure in failed.items():
            await self._notes.note(program_id, about, sentence(failure))
        # A run that was cut short says nothing about those it did not come to.
        if None not in untold:
            for about in {WHOLE_RUN, *publishers} - failed.keys() - untold:
                await self._notes.withdraw(program_id, about)

    async def tell_missing(self, program_id: str, words: str) -> None:
        """Tell that a program cannot be synced at all."""
        await self._notes.note(program_id, WHOLE_RUN, words[:MOST_WORDS])


def sentence(failure: Failure) -> str:
    """Put a failure in words for people."""
    of = f"Events of {failure.publisher}" if failure.publisher else "Events"
    if failure.kind is not FailureKind.TEMPLATE:
        return f"{of} are not imported: {failure.detail}"[:MOST_WORDS]
    at_event = f" at event {failure.event_id}" if failure.event_id else ""
    in_template = f", template {failure.template}" if failure.template else ""
    line = f", line {failure.line}" if failure.line else ""
    place = line + (f", column {failure.column}" if failure.line and failure.column else "")
    return f"{of} are held{at_event}{in_template}{place}: {failure.detail}"[:MOST_WORDS]
