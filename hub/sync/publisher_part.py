"""One subscription's part of a run: its window, from the cursor on, posted batch by batch.

    doubtful batches of earlier runs    the same events again, under the same names
    the window, page by page            ignored, left out, or rendered and gathered
    enough for a batch, or the end      written down, posted, answered; the cursor moves

What fails leaves the cursor before it, and holds only what comes after it in the same import
process. A template that fails ends the part: nobody knows where its event belongs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.events.event import Event
from hub.registry.clearing_house.subscriptions import Subscription
from hub.registry.clearing_house.sync_batches import SyncBatches
from hub.registry.clearing_house.sync_cursors import Reading
from hub.sync.doubts import Doubts
from hub.sync.fates import Fate, Fates
from hub.sync.frontier import Frontier
from hub.sync.gathering import Bounds, GatheredRow, Gathering, Parcel
from hub.sync.outbox import Outbox
from hub.sync.pages import Events, pages
from hub.sync.posting import Posting
from hub.sync.rendering import Rendered, Renderer, render
from hub.sync.run import Run
from hub.templates.template_map import ImportEntry, TemplateMap


@dataclass(frozen=True, slots=True)
class Tools:
    """What every part works with."""

    events: Events
    batches: SyncBatches
    renderer: Renderer
    posting: Posting
    bounds: Bounds


async def sync_publisher(
    run: Run, subscription: Subscription, templates: TemplateMap, tools: Tools
) -> None:
    """Sync one subscription; what goes wrong is noted in the run.

    Raises LeaseLost, RegistryUnavailable, and what the renderer raises when it is down.
    """
    cursor, publisher = subscription.last_sync_at, subscription.publisher_program_id
    reading = Reading(run.program_id, publisher, subscription.created_at, subscription.revision)
    beyond = await tools.batches.accepted_beyond(run.program_id, publisher, cursor)
    fates = Fates(templates, beyond)
    outbox = Outbox(run, reading, fates, tools.posting)
    doubts = Doubts(
        publisher,
        cursor,
        fates=fates,
        outbox=outbox,
        events=tools.events,
        renderer=tools.renderer,
    )
    await doubts.settle(await tools.batches.doubtful(run.program_id, publisher))
    window = Window(run, subscription, fates, outbox, tools)
    await window.go_through()
    settled = window.cursor
    if settled is None or settled == cursor:
        return
    if not outbox.was_changed and not await tools.batches.settle(run.lease, reading, settled):
        outbox.note_change()


class Window:
    """The events of one subscription that are new in this run."""

    def __init__(
        self, run: Run, subscription: Subscription, fates: Fates, outbox: Outbox, tools: Tools
    ) -> None:
        self._run = run
        self._publisher = subscription.publisher_program_id
        self._begin = subscription.last_sync_at
        self._fates = fates
        self._outbox = outbox
        self._tools = tools
        self._frontier = Frontier(subscription.last_sync_at)
        self._gathering = Gathering(tools.bounds)

    @property
    def cursor(self) -> datetime | None:
        """How far everything is settled by now."""
        return self._frontier.cursor(self._gathering.first())

    async def go_through(self) -> None:
        """Take up every event, and post what was gathered."""
        if self._begin is not None and self._begin >= self._run.until:
            return
        await self._read()
        while not self._outbox.is_shut and (parcel := self._gathering.rest()):
            await self._post(parcel)

    async def _read(self) -> None:
        reading = pages(
            self._tools.events, self._publisher, after=self._begin, until=self._run.until
        )
        async for page in reading:
            if not await self._take_up(page):
                return
            self._run.tell(self._run.tally)
        if self._fates.ends_at is None:
            self._frontier.end(self._run.until)

    async def _take_up(self, page: Sequence[Event]) -> bool:
        """Take up a page; False if the window ends before all of it was."""
        fates = [self._fates.of(event) for event in page]
        chosen = [
            (event, fate)
            for event, fate in zip(page, fates, strict=True)
            if not isinstance(fate, Fate)
        ]
        rows = iter(await render(self._tools.renderer, chosen))
        for event, fate in zip(page, fates, strict=True):
            if self._outbox.is_shut or self._fates.is_end(event):
                return False
            self._run.tally.events += 1
            if isinstance(fate, Fate):
                self._pass(event, fate)
            else:
                await self._import(event, fate, next(rows))
        return True

    def _pass(self, event: Event, fate: Fate) -> None:
        place = self._frontier.step(event.created_at)
        if fate is Fate.HELD:
            self._frontier.leave(place)
        if fate is Fate.IGNORED:
            self._run.tally.ignored += 1

    async def _import(self, event: Event, entry: ImportEntry, row: Rendered) -> None:
        if entry.import_process_id in self._fates.closed:
            # It failed on this very page.
            self._pass(event, Fate.HELD)
            return
        if not isinstance(row, str):
            self._outbox.note_fault(event, entry, row)
            return
        place = self._frontier.step(event.created_at)
        doubtful = event.created_at in self._fates.doubtful
        full = self._gathering.add(
            entry.import_process_id, GatheredRow(place, row, doubtful=doubtful)
        )
        if full is not None:
            await self._post(full)

    async def _post(self, parcel: Parcel) -> None:
        if not await self._outbox.send(parcel, cursor=self.cursor):
            self._frontier.leave(parcel.first)
            self._gathering.drop(parcel.import_process_id)
