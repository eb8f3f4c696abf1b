"""Polling: APIs that are asked on an interval, page by page, each by one worker at a time.

A page is landed before the high-water mark moves, and the mark moves when a round is through; so a
round that was cut short begins again where it began, and its pages are found to be there already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import structlog

from hub.errors import HubError, LeaseLost
from hub.holding import while_held
from hub.pipeline.fetching import Fetching, NoPage
from hub.pipeline.receiving import Receiving
from hub.pipeline.said import said_as
from hub.pipeline.telling import Notices, complaint
from hub.records.format import Format, Kind
from hub.registry.clock import Clock
from hub.registry.leases import SqlLease, SqlLeases
from hub.registry.notices import NoticeKind
from hub.registry.sources import Progress, SourceKind, SourceRecord, Sources
from hub.sources.pages import Strange, first, following, highest, records_of
from hub.sources.settings import PollSource

TTL = timedelta(seconds=30)
LONGEST_BACKOFF = timedelta(hours=1)
MARK, FAILURES = "mark", "failures"

log = structlog.get_logger()


@dataclass(slots=True)
class _Round:
    mark: str | None
    pages: int = 0
    records: int = 0
    trouble: str | None = None
    after: timedelta | None = None


class Polling:
    """Asks the sources whose time has come."""

    def __init__(
        self,
        sources: Sources,
        receiving: Receiving,
        fetching: Fetching,
        leases: SqlLeases,
        notices: Notices,
        clock: Clock,
        *,
        holder: str,
    ) -> None:
        self._sources = sources
        self._receiving = receiving
        self._fetching = fetching
        self._leases = leases
        self._notices = notices
        self._clock = clock
        self._holder = holder

    async def run(self) -> None:
        """Ask all whose time has come. Raises RegistryUnavailable."""
        for source in await self._sources.due([SourceKind.POLL]):
            lease = await self._leases.take(f"source/{source.id}", TTL, holder=self._holder)
            if lease is None:
                continue
            try:
                await while_held(self._leases, lease, TTL, self._ask(source.id, lease))
            except LeaseLost:
                log.warning("poll.lost", source=source.id)
                continue
            await self._leases.release(lease)

    async def _ask(self, source_id: str, lease: SqlLease) -> None:
        # Read again: another may have asked it between our look and our lease.
        found = await self._sources.find_with_secrets(source_id)
        if found is None or found[0].next_at is None or found[0].next_at > self._clock():
            return
        source, secrets = found
        said = said_as(PollSource, source, secrets)
        cursor = await self._sources.cursor(source_id)
        before = cursor.get(MARK)
        turn = _Round(str(before) if before is not None else None)
        if source.is_active:
            try:
                await self._go_round(source, said, turn, lease)
            except LeaseLost:
                raise
            except HubError as error:
                turn.trouble = str(error)
        await self._close(source, said, turn, cursor, lease)

    async def _go_round(
        self, source: SourceRecord, said: PollSource, turn: _Round, lease: SqlLease
    ) -> None:
        mark, step = turn.mark, first(said, turn.mark)
        while True:
            page = await self._fetching.page(source.id, said, step.url)
            if isinstance(page, NoPage):
                turn.trouble, turn.after = page.reason, page.after
                return
            try:
                document = msgspec.json.decode(page.content)
                records = records_of(document, said.records)
                mark = highest(said, records, mark)
                further = following(said, step, document, page.headers, len(records))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                turn.trouble = f"the answer is no JSON: {error}"
                return
            except Strange as error:
                turn.trouble = str(error)
                return
            if records:
                form = Format(Kind.JSON, pointer=said.records)
                name = f"page {step.number + 1} of {self._clock():%Y-%m-%d %H:%M:%S}"
                await self._receiving.land(source, page.content, name=name, form=form, lease=lease)
            turn.pages, turn.records = turn.pages + 1, turn.records + len(records)
            if further is None:
                turn.mark = mark
                return
            if further.number >= said.paging.most_pages:
                turn.trouble = f"there are more than {said.paging.most_pages} pages"
                turn.mark = mark
                return
            step = further

    async def _close(
        self,
        source: SourceRecord,
        said: PollSource,
        turn: _Round,
        cursor: Mapping[str, object],
        lease: SqlLease,
    ) -> None:
        interval = timedelta(seconds=said.interval_seconds)
        failures = int(str(cursor.get(FAILURES, 0))) + 1 if turn.trouble else 0
        pause = max(interval, turn.after) if turn.after else _pause(interval, failures)
        progress = Progress(
            {MARK: turn.mark, FAILURES: failures}, self._clock() + pause, turn.trouble
        )
        await self._sources.note_progress(lease, source.id, progress)
        log.info(
            "poll.ended",
            source=source.id,
            pages=turn.pages,
            records=turn.records,
            trouble=turn.trouble,
        )
        if turn.trouble:
            words = complaint(source, turn.trouble)
            await self._notices.note(source.program_id, NoticeKind.SOURCE, source.id, words)
        else:
            await self._notices.withdraw(source.program_id, NoticeKind.SOURCE, source.id)


def _pause(interval: timedelta, failures: int) -> timedelta:
    """Say when to ask again: the more failures, the later, but at least every hour."""
    return max(interval, min(interval * (1 << min(max(failures - 1, 0), 10)), LONGEST_BACKOFF))
