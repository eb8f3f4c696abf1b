"""What all parts of one run share: its right, its window, and what it has come to so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hub.registry.sql.leases import SqlLease
from hub.sync.learning_builder import Account
from hub.sync.report import Failure


@dataclass(slots=True)
class Tally:
    """How much a run has done so far. Events that were accepted before count as events, too."""

    events: int = 0
    ignored: int = 0
    rows: int = 0
    batches: int = 0


@dataclass(slots=True)
class Run:
    """One run under way. Its window ends at `until`; `asked_to_stop` says that it should end."""

    id: str
    program_id: str
    lease: SqlLease
    account: Account
    until: datetime
    asked_to_stop: Callable[[], bool]
    tell: Callable[[Tally], None]
    tally: Tally = field(default_factory=Tally)
    failures: list[Failure] = field(default_factory=list)
    was_stopped: bool = False

    def is_stopping(self) -> bool:
        """Say whether to begin nothing more; once that is said, the run is cut short."""
        self.was_stopped = self.was_stopped or self.asked_to_stop()
        return self.was_stopped
