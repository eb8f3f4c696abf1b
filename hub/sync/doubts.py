"""Batches of earlier runs that may have been applied: posted again, the same events and name.

The rows are made anew, by the templates as they are now. Events that were deleted are left out.
Events that the templates send elsewhere now are left to the window, as doubtful ones.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from hub.events.event import Event
from hub.registry.clearing_house.sync_batches import OpenBatch
from hub.sync.fates import Fates
from hub.sync.frontier import Place
from hub.sync.gathering import GatheredRow, Parcel
from hub.sync.outbox import Outbox
from hub.sync.pages import Events, pages
from hub.sync.rendering import Renderer, render
from hub.templates.template_map import ImportEntry

RIGHT_BEFORE = timedelta(microseconds=1)


class Doubts:
    """Settles the doubtful batches of one subscription, as far as LearningBuilder lets it."""

    def __init__(
        self,
        publisher: str,
        cursor: datetime | None,
        *,
        fates: Fates,
        outbox: Outbox,
        events: Events,
        renderer: Renderer,
    ) -> None:
        self._publisher = publisher
        self._cursor = cursor
        self._fates = fates
        self._outbox = outbox
        self._events = events
        self._renderer = renderer

    async def settle(self, batches: Sequence[OpenBatch]) -> None:
        """Post each again; what is not accepted is held."""
        for batch in batches:
            moments = {one for one in batch.moments if self._is_open(one)}
            self._fates.doubtful |= moments
            found = await self._find(moments)
            same = [
                (event, entry)
                for event in found
                if (entry := self._fates.entry_for(event))
                and entry.import_process_id == batch.import_process_id
            ]
            carried = {event.created_at for event, _ in same}
            left = {event.created_at for event in found} - carried
            is_settled = await self._repeat(batch, same, left)
            (self._fates.repeated if is_settled else self._fates.held).update(carried)

    async def _repeat(
        self,
        batch: OpenBatch,
        same: Sequence[tuple[Event, ImportEntry]],
        left: Collection[datetime],
    ) -> bool:
        if not same or batch.import_process_id in self._fates.closed:
            return False
        rows = []
        for (event, entry), row in zip(same, await render(self._renderer, same), strict=True):
            if not isinstance(row, str):
                self._outbox.note_fault(event, entry, row)
                return False
            rows.append(GatheredRow(Place(event.created_at, None), row, doubtful=True))
        parcel = Parcel(batch.import_process_id, rows)
        return await self._outbox.send(parcel, repeats=batch, left=left)

    async def _find(self, moments: Collection[datetime]) -> Sequence[Event]:
        """Read the events of these moments, as far as they were not deleted."""
        if not moments:
            return ()
        after = min(moments) - RIGHT_BEFORE
        reading = pages(self._events, self._publisher, after=after, until=max(moments))
        return [event async for page in reading for event in page if event.created_at in moments]

    def _is_open(self, moment: datetime) -> bool:
        is_passed = self._cursor is not None and moment <= self._cursor
        return not is_passed and not self._fates.settles(moment)
