"""Converter: the errand that turns the events of programs into statements, one step at a time.

Only after every integration was told are cursor and failures written, in one transaction. A crash
in between repeats the step with the same statement ids, which delivery knows for duplicates.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from delivery.facts.counting import Counting, Uncounted
from delivery.facts.errors import StoreUnavailable
from hub.conversion.step import Stepping, Taken
from hub.conversion.telling import HeldUp
from hub.errors import LeaseLost, RegistryUnavailable
from hub.holding import while_held
from hub.registry.clearing_house.conversion_steps import ConversionSteps
from hub.registry.clearing_house.event_completions import Conversion, EventCompletions, Failure
from hub.registry.parties.notices import NoticeKind
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLease, SqlLeases
from hub.templates.fault import RendererDown

TTL = timedelta(seconds=10)
SLICE = timedelta(seconds=2)
"""How long one program is worked for before the others have their turn."""
PAUSE = timedelta(seconds=5)
"""How long a program is left alone after something was in the way."""
FAILURES = "failures"
"""What a notice of ours is about: one for each program, whichever events failed."""

log = structlog.get_logger()


class Notices(Protocol):
    """What the contacts of programs are to be told."""

    async def note(self, program_id: str, kind: NoticeKind, about: str, words: str) -> None: ...

    async def withdraw(self, program_id: str, kind: NoticeKind, about: str) -> None: ...


@dataclass(slots=True)
class Work:
    """What was done for one program in its turn."""

    events: int = 0
    accepted: int = 0
    duplicates: int = 0
    skipped: int = 0
    failures: int = 0
    is_left: bool = False

    def add(self, taken: Taken) -> None:
        self.events += len(taken.step.done) + len(taken.step.failures)
        self.failures += len(taken.step.failures)
        self.accepted += taken.told.accepted
        self.duplicates += taken.told.duplicates
        self.skipped += taken.told.skipped


class Converter:
    """Converts the events of all programs, each program by one worker at a time."""

    def __init__(
        self,
        conversions: EventCompletions,
        steps: ConversionSteps,
        stepping: Stepping,
        notices: Notices,
        leases: SqlLeases,
        clock: Clock,
        *,
        holder: str,
        meters: Counting | None = None,
    ) -> None:
        self._meters = meters or Uncounted()
        self._conversions = conversions
        self._steps = steps
        self._stepping = stepping
        self._notices = notices
        self._leases = leases
        self._clock = clock
        self._holder = holder

    async def run(self) -> None:
        """Go on with every program until nothing is left that could be done now.

        Raises RegistryUnavailable.
        """
        is_left = True
        while is_left:
            is_left = False
            for program_id in await self._steps.due():
                is_left |= await self._turn(program_id)

    async def _turn(self, program_id: str) -> bool:
        """Work for one program; say whether it only stopped for the others' sake."""
        lease = await self._leases.take(f"conversion/{program_id}", TTL, holder=self._holder)
        if lease is None:
            return False
        try:
            work = await while_held(self._leases, lease, TTL, self._work(program_id, lease))
        except (HeldUp, StoreUnavailable, RendererDown) as error:
            log.warning("conversion.postponed", program=program_id, error=str(error))
            await self._pause(lease)
            return False
        except LeaseLost:
            log.warning("conversion.lost", program=program_id)
            return False
        except RegistryUnavailable:
            raise
        except Exception:
            # What is wrong with one program must not keep the others from their turn.
            log.exception("conversion.failed", program=program_id)
            await self._pause(lease)
            return False
        await self._leases.release(lease)
        return work.is_left

    async def _work(self, program_id: str, lease: SqlLease) -> Work:
        work, began = Work(), self._clock()
        while await self._go_on(program_id, lease, work):
            if self._clock() - began >= SLICE:
                work.is_left = True
                break
        if work.events:
            self._meters.count("conversions", "made", by=work.events - work.failures)
            self._meters.count("conversions", "set_aside", by=work.failures)
            log.info(
                "conversion.ended",
                program=program_id,
                events=work.events,
                accepted=work.accepted,
                duplicates=work.duplicates,
                skipped=work.skipped,
                failures=work.failures,
                seconds=(self._clock() - began).total_seconds(),
            )
        return work

    async def _go_on(self, program_id: str, lease: SqlLease, work: Work) -> bool:
        """Take one step; False if there was none to take."""
        conversion = await self._conversions.find(program_id)
        taken = await self._stepping.take(conversion) if conversion else None
        if conversion is None or taken is None:
            return False
        if taken.step.failures:
            # Before they are recorded: a crash may lead to telling of them twice, but not never.
            words = _complaint(program_id, taken.step.failures[-1])
            await self._notices.note(program_id, NoticeKind.COMPLETIONS, FAILURES, words)
        # Where somebody moved the cursor meanwhile, the next step begins at its new place.
        if await self._steps.record(lease, conversion, taken.step):
            work.add(taken)
            await self._withdraw(conversion, taken)
        return True

    async def _withdraw(self, conversion: Conversion, taken: Taken) -> None:
        tried_again = taken.step.through == conversion.through
        if tried_again and not (await self._conversions.counts(conversion)).failures:
            await self._notices.withdraw(conversion.program_id, NoticeKind.COMPLETIONS, FAILURES)

    async def _pause(self, lease: SqlLease) -> None:
        # The lease is kept without a holder at work: no worker comes back before it lapses.
        with suppress(LeaseLost):
            await self._leases.renew(lease, PAUSE)


def _complaint(program_id: str, failure: Failure) -> str:
    return (
        f"The event {failure.event_id} could not be made into a completion: {failure.reason}. "
        f"What was set aside is listed at /api/programs/{program_id}/eventCompletions/failures, "
        "and is tried again when the template is saved."
    )
