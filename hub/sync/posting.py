"""One batch on its way: written down, posted, and what came of it written down with the cursor."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from hub.errors import RegistryUnavailable
from hub.registry.clearing_house.sync_batches import (
    BatchAnswer,
    BatchState,
    NewBatch,
    OpenBatch,
    SyncBatches,
)
from hub.registry.clearing_house.sync_cursors import Reading
from hub.sync.file_name import file_name
from hub.sync.gathering import Parcel
from hub.sync.learning_builder import LearningBuilder
from hub.sync.run import Run

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Posted:
    """A batch that was posted. `was_changed`: the subscription, meanwhile; its cursor stays."""

    file_name: str
    answer: BatchAnswer
    was_changed: bool


@dataclass(frozen=True, slots=True)
class Patience:
    """How often an answer is written down again while SQL is away.

    LearningBuilder has the batch by then: to give up early would let it come twice.
    """

    tries: int = 6
    pause: timedelta = timedelta(seconds=2)


class Posting:
    """Posts batches, each written down before, so that no crash forgets one."""

    def __init__(
        self,
        batches: SyncBatches,
        learning_builder: LearningBuilder,
        patience: Patience = Patience(),
    ) -> None:
        self._batches = batches
        self._learning_builder = learning_builder
        self._patience = patience

    async def post(
        self,
        run: Run,
        reading: Reading,
        parcel: Parcel,
        *,
        cursor: datetime | None = None,
        repeats: OpenBatch | None = None,
        left: Collection[datetime] = (),
    ) -> Posted | None:
        """Post a parcel; None, and nothing is posted, if the subscription was changed before.

        `cursor` is how far the subscription is settled once this is accepted. A parcel may repeat
        an earlier batch, whose name it takes and which keeps the moments `left`. Raises LeaseLost,
        RegistryUnavailable.
        """
        moments = parcel.moments
        name = repeats.file_name if repeats else _name(reading, parcel)
        batch_id = await self._batches.open(
            run.lease,
            run.id,
            reading,
            NewBatch(
                parcel.import_process_id, name, moments, repeated=bool(repeats) or parcel.doubtful
            ),
            instead_of=repeats,
            left=left,
            events=run.tally.events,
            ignored=run.tally.ignored,
        )
        if batch_id is None:
            return None
        answer = await self._learning_builder.create_batch(
            run.account,
            import_process_id=parcel.import_process_id,
            file_name=name,
            rows=[row.text for row in parcel.rows],
        )
        moved_to = cursor if answer.state is BatchState.ACCEPTED else None
        ours = await self._write_down(run, batch_id, reading, answer, moved_to)
        log.info(
            "batch.answered",
            sync=run.id,
            program=run.program_id,
            publisher=reading.publisher_program_id,
            file_name=name,
            rows=len(moments),
            state=answer.state.value,
            status=answer.status,
        )
        return Posted(name, answer, was_changed=not ours)

    async def _write_down(
        self,
        run: Run,
        batch_id: int,
        reading: Reading,
        answer: BatchAnswer,
        cursor: datetime | None,
    ) -> bool:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(RegistryUnavailable),
            stop=stop_after_attempt(self._patience.tries),
            wait=wait_fixed(self._patience.pause),
            reraise=True,
        )
        ours: bool = await attempts(
            self._batches.answer, run.lease, batch_id, reading, answer, cursor=cursor
        )
        return ours


def _name(reading: Reading, parcel: Parcel) -> str:
    moments = parcel.moments
    return file_name(
        reading.program_id,
        reading.publisher_program_id,
        parcel.import_process_id,
        first=moments[0],
        last=moments[-1],
    )
