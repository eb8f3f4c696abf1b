"""Polling: APIs that are asked on an interval, page by page, each by one worker at a time.

A page is landed before the high-water mark moves, and the mark moves when a round is through; so a
round that was cut short begins again where it began, and its pages are found to be there already.
A round that is longer than a turn may be goes on in the next one, at the page where it stopped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from pydantic import JsonValue

from hub.errors import HubError, LeaseLost
from hub.pipeline.arriving.fetching import Fetching, NoPage
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.arriving.turns import Turn, Turns
from hub.pipeline.said import said_as
from hub.records.format import MARKS, Encoding, Format, Kind
from hub.registry.pipeline.sources import SourceKind, SourceRecord, Sources
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLease
from hub.sources.pages import Step, Strange, first, following, highest, records_of
from hub.sources.settings import PollSource
from hub.sources.trail import Trail

LONGEST_BACKOFF = timedelta(hours=1)
MARK, FAILURES = "mark", "failures"
SEEN, URL, NUMBER, REVISION = "seen", "url", "number", "revision"
LAST, LANDMARK = "last", "landmark"
"""Of a round that goes on: the highest value it has seen, where its next page is, the revision of
the source that said so, and its trail; of another revision, it begins again."""


@dataclass(slots=True)
class _Round:
    """A round, and how far it has come; `mark` is where the next one is to begin."""

    mark: str | None
    step: Step | None
    """None before it is known where it begins."""
    seen: str | None
    trail: Trail = field(default_factory=Trail)
    pages: int = 0
    records: int = 0
    is_through: bool = False
    trouble: str | None = None
    after: timedelta | None = None


class Polling:
    """Asks the sources whose time has come."""

    def __init__(
        self,
        turns: Turns,
        sources: Sources,
        receiving: Receiving,
        fetching: Fetching,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._turns = turns
        self._sources = sources
        self._receiving = receiving
        self._fetching = fetching
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Ask all whose time has come. Raises RegistryUnavailable."""
        await self._turns.run(SourceKind.POLL, self._ask)

    async def _ask(self, source: SourceRecord, secrets: Mapping[str, str], lease: SqlLease) -> Turn:
        said = said_as(PollSource, source, secrets)
        cursor = await self._sources.cursor(source.id)
        turn = _begun(source, cursor)
        if source.is_active:
            try:
                await self._go_round(source, said, turn, lease)
            except LeaseLost:
                raise
            except HubError as error:
                turn.trouble = str(error)
            except Strange as error:
                number = turn.step.number + 1 if turn.step else 1
                turn.trouble = f"page {number}: {error}"
        return _ended(source, said, turn, failures=int(str(cursor.get(FAILURES, 0))))

    async def _go_round(
        self, source: SourceRecord, said: PollSource, turn: _Round, lease: SqlLease
    ) -> None:
        turn.step = step = turn.step or first(said, turn.mark)
        while turn.pages < said.paging.most_pages:
            if turn.pages and said.requests_per_minute is not None:
                await self._sleep(60 / said.requests_per_minute)
            page = await self._fetching.page(source.id, said, step.url)
            if isinstance(page, NoPage):
                turn.trouble, turn.after = page.reason, page.after
                return
            content = page.content.removeprefix(MARKS[Encoding.UTF_8])
            document, records = _read(said, content)
            if records:
                form = Format(Kind.JSON, pointer=said.records)
                name = f"page {step.number + 1} of {self._clock():%Y-%m-%d %H:%M:%S}"
                await self._receiving.land(source, content, name=name, form=form, lease=lease)
            turn.pages, turn.records = turn.pages + 1, turn.records + len(records)
            # Whatever is wrong with what comes after it, the page itself is there.
            turn.seen = highest(said, records, turn.seen, self._clock())
            further = following(said, step, document, page.headers, len(records))
            further, turn.trail = turn.trail.onwards(said.paging, step, further, records)
            if further is None:
                turn.mark, turn.is_through = turn.seen, True
                return
            turn.step = step = further


def _begun(source: SourceRecord, cursor: Mapping[str, JsonValue]) -> _Round:
    """Begin a round at the mark, or go on where the last turn stopped."""
    mark = _text(cursor.get(MARK))
    url, number = cursor.get(URL), cursor.get(NUMBER)
    goes_on = cursor.get(REVISION) == source.revision
    if goes_on and isinstance(url, str) and isinstance(number, int):
        trail = Trail(_text(cursor.get(LAST)) or "", _text(cursor.get(LANDMARK)) or "")
        return _Round(mark, Step(url, number), _text(cursor.get(SEEN)), trail)
    return _Round(mark, None, mark)


def _read(said: PollSource, content: bytes) -> tuple[object, list[object]]:
    """Give what a page says, and its records; of one that is empty, none. Raises Strange."""
    if not content.strip():
        return None, []
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Strange(f"the answer is no JSON: {error}") from None
    return document, records_of(document, said.records)


def _ended(source: SourceRecord, said: PollSource, turn: _Round, *, failures: int) -> Turn:
    interval = timedelta(seconds=said.interval_seconds)
    failures = failures + 1 if turn.trouble else 0
    cursor: dict[str, JsonValue] = {MARK: turn.mark, FAILURES: failures}
    if turn.step and not turn.is_through and turn.trouble is None and turn.pages:
        cursor |= {URL: turn.step.url, NUMBER: turn.step.number}
        cursor |= {SEEN: turn.seen, REVISION: source.revision}
        cursor |= {LAST: turn.trail.last, LANDMARK: turn.trail.landmark}
    return Turn(
        pause=max(interval, turn.after) if turn.after else _pause(interval, failures),
        trouble=turn.trouble,
        cursor=cursor,
        counts={"pages": turn.pages, "records": turn.records},
    )


def _pause(interval: timedelta, failures: int) -> timedelta:
    """Say when to ask again: the more failures, the later, but at least every hour."""
    return max(interval, min(interval * (1 << min(max(failures - 1, 0), 10)), LONGEST_BACKOFF))


def _text(value: JsonValue) -> str | None:
    return None if value is None else str(value)
