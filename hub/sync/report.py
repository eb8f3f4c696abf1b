"""What came of a run: its batches, and what went wrong, for the caller and for people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import JsonValue
from pydantic.alias_generators import to_camel

from hub.registry.clearing_house.sync_batches import Batch, BatchAnswer, BatchState
from hub.registry.clearing_house.syncs import Sync
from hub.sync.verdict import is_silence

LONGEST_DETAIL = 1000
MOST_FAILURES = 100


class FailureKind(StrEnum):
    """What went wrong."""

    TEMPLATE = "template"
    REFUSED = "refused"
    UNREACHED = "unreached"
    UNKNOWN = "unknown"
    SILENT = "silent"
    CHANGED = "changed"
    CUT_SHORT = "cut_short"


TRANSIENT = frozenset(
    {
        FailureKind.UNREACHED,
        FailureKind.UNKNOWN,
        FailureKind.SILENT,
        FailureKind.CHANGED,
        FailureKind.CUT_SHORT,
    }
)
"""What may be gone by itself a little later. All else waits for somebody to change something."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong, and where; `detail` is a sentence."""

    kind: FailureKind
    detail: str
    publisher: str | None = None
    import_process_id: str | None = None
    file_name: str | None = None
    status: int | None = None
    event_id: str | None = None
    template: str | None = None
    line: int | None = None
    column: int | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """Write down what is known of it, as it is kept and answered: in camelCase."""
        facts = {to_camel(name): value for name, value in asdict(self).items() if value is not None}
        return facts | {"kind": self.kind.value, "detail": self.detail[:LONGEST_DETAIL]}


@dataclass(frozen=True, slots=True)
class SyncReport:
    """A run that has ended. `batches` are those that were posted, whatever became of them."""

    sync: Sync
    batches: Sequence[Batch]
    failures: Sequence[Failure]

    @property
    def accepted(self) -> Sequence[Batch]:
        """The batches that LearningBuilder took."""
        return [one for one in self.batches if one.state is BatchState.ACCEPTED]

    @property
    def may_pass(self) -> bool:
        """Whether something failed that may go through a little later, all by itself."""
        return any(one.kind in TRANSIENT for one in self.failures)


def batch_failure(
    publisher: str, import_process_id: str, file_name: str, answer: BatchAnswer
) -> Failure:
    """Say that a batch was not taken."""
    return Failure(
        _kind(answer),
        _sentence(answer),
        publisher=publisher,
        import_process_id=import_process_id,
        file_name=file_name,
        status=answer.status,
    )


def _kind(answer: BatchAnswer) -> FailureKind:
    if is_silence(answer):
        return FailureKind.SILENT
    return FailureKind(answer.state.value)


def _sentence(answer: BatchAnswer) -> str:
    match answer.state:
        case BatchState.REFUSED:
            return f"LearningBuilder refused the batch: {answer.answer}"
        case BatchState.UNREACHED:
            return f"LearningBuilder could not be reached: {answer.answer}"
        case _:
            return (
                "It is not known whether LearningBuilder took the batch, so the next run "
                f"repeats it under the same file name: {answer.answer}"
            )
