"""Operations: long pieces of work on one integration that somebody asked for. Facts, pure.

state        pause    resume    cancel                     end
running      paused   -         cancelling, or cancelled   done
paused       -        running   cancelling, or cancelled   -
cancelling   -        -         -                          cancelled

Only a replay is cancelling for a while: what it has lined up and nobody has sent is taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from delivery.facts.block import Ended, EndedAs
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId

OperationId = NewType("OperationId", str)


class Kind(StrEnum):
    """What an operation does."""

    REPLAY = "replay"
    """Queue again what was delivered or discarded."""
    RELEASE = "release"
    """Let parked statements flow again."""
    DISCARD = "discard"
    """Give parked statements up."""


class State(StrEnum):
    """How far an operation is."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DONE = "done"


ENDED = frozenset({State.CANCELLED, State.DONE})


class Verb(StrEnum):
    """What may be done to an operation."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    END = "end"


FROM: Mapping[Verb, tuple[State, ...]] = MappingProxyType(
    {
        Verb.PAUSE: (State.RUNNING,),
        Verb.RESUME: (State.PAUSED,),
        Verb.CANCEL: (State.RUNNING, State.PAUSED),
        Verb.END: (State.RUNNING, State.CANCELLING),
    }
)
"""The states in which a verb means something."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which statements are meant: all that agree with everything that is said here.

    Times are of the end of a replayed statement's road, or of the parking of a parked one: not
    before `since`, before `until`.
    """

    since: datetime | None = None
    until: datetime | None = None
    status: int | None = None
    """The HTTP status it was answered with."""
    outcome: EndedAs | None = None
    """Only for a replay."""
    ids: frozenset[StatementId] | None = None
    """Only for a replay."""

    def means(self, one: Ended) -> bool:
        """Say whether this statement is one of them."""
        return (
            (self.since is None or one.ended_at >= self.since)
            and (self.until is None or one.ended_at < self.until)
            and (self.status is None or one.status == self.status)
            and (self.outcome is None or one.outcome is self.outcome)
            and (self.ids is None or one.id in self.ids)
        )


@dataclass(frozen=True, slots=True)
class Count:
    """How much a selection means."""

    statements: int = 0
    size: int = 0
    """The bytes of their bodies."""
    oldest: datetime | None = None
    """When the first of them was accepted."""
    whole: bool = True
    """False if counting ended before all were looked at: it is that much at the least."""

    def __add__(self, other: "Count") -> "Count":
        known = [at for at in (self.oldest, other.oldest) if at is not None]
        return Count(
            self.statements + other.statements,
            self.size + other.size,
            min(known) if known else None,
            self.whole and other.whole,
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """One of them, with its progress."""

    id: OperationId
    integration_id: IntegrationId
    kind: Kind
    state: State
    selection: Selection
    lane: str
    """Where a replay lines up: `back`, behind all that is live, or `front`."""
    by: str
    began_at: datetime
    moved_at: datetime
    ended_at: datetime | None
    total: int
    """How many were meant when it began."""
    size: int
    done: int
    skipped: int
    """Those that were waiting already, or have ended since it began."""
    cursor: str
    through: str
    """The last parked statement that it means, by place."""
    last: str
    """The last statement that a replay has lined up, by place."""


def after(verb: Verb, kind: Kind, state: State) -> State:
    """Say in which state an operation is once the verb was done to it in this state."""
    match verb:
        case Verb.PAUSE:
            return State.PAUSED
        case Verb.RESUME:
            return State.RUNNING
        case Verb.CANCEL:
            return State.CANCELLING if kind is Kind.REPLAY else State.CANCELLED
        case Verb.END:
            return State.CANCELLED if state is State.CANCELLING else State.DONE
