"""Where the rows of one subscription leave, batch by batch, until something forbids the next."""

from collections.abc import Collection
from datetime import datetime

from hub.events.event import Event
from hub.registry.clearing_house.sync_batches import BatchState, OpenBatch
from hub.registry.clearing_house.sync_cursors import Reading
from hub.sync.fates import Fates
from hub.sync.gathering import Parcel
from hub.sync.posting import Posting
from hub.sync.rendering import Fault
from hub.sync.report import Failure, FailureKind, batch_failure
from hub.sync.run import Run
from hub.templates.template_map import ImportEntry

CHANGED = "the subscription was changed or deleted while the sync ran: sync again"


class Outbox:
    """The way out for one subscription in one run. It knows what of it has failed."""

    def __init__(self, run: Run, reading: Reading, fates: Fates, posting: Posting) -> None:
        self._run = run
        self._reading = reading
        self._fates = fates
        self._posting = posting
        self.was_changed = False
        """Somebody changed or deleted the subscription, so its cursor is not ours to move."""

    @property
    def is_shut(self) -> bool:
        """Whether nothing more may leave: the subscription was changed, or the run is to end."""
        return self.was_changed or self._run.is_stopping()

    async def send(
        self,
        parcel: Parcel,
        *,
        cursor: datetime | None = None,
        repeats: OpenBatch | None = None,
        left: Collection[datetime] = (),
    ) -> bool:
        """Post a parcel; True if it was accepted. A failure closes its import process for this run.

        Raises LeaseLost, RegistryUnavailable.
        """
        if self.is_shut:
            return False
        posted = await self._posting.post(
            self._run, self._reading, parcel, cursor=cursor, repeats=repeats, left=left
        )
        if posted is None or posted.was_changed:
            self.note_change()
        if posted is None:
            return False
        self._run.tally.batches += 1
        if posted.answer.state is BatchState.ACCEPTED:
            self._run.tally.rows += len(parcel.rows)
            return True
        self._fates.closed.add(parcel.import_process_id)
        self._run.failures.append(
            batch_failure(
                self._reading.publisher_program_id,
                parcel.import_process_id,
                posted.file_name,
                posted.answer,
            )
        )
        return False

    def note_fault(self, event: Event, entry: ImportEntry, fault: Fault) -> None:
        """End this part before an event, because a template fails on it."""
        self._fates.ends_at = min(event.created_at, self._fates.ends_at or event.created_at)
        self._run.failures.append(
            Failure(
                FailureKind.TEMPLATE,
                fault.detail,
                publisher=self._reading.publisher_program_id,
                import_process_id=entry.import_process_id,
                event_id=event.content.id,
                template=entry.key,
                line=fault.line,
                column=fault.column,
            )
        )

    def note_change(self) -> None:
        """Let nothing more leave, because somebody changed the subscription; say so once."""
        if self.was_changed:
            return
        self.was_changed = True
        publisher = self._reading.publisher_program_id
        self._run.failures.append(Failure(FailureKind.CHANGED, CHANGED, publisher=publisher))
