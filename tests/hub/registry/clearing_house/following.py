"""Readers of events that note what they saw, each by another road to the end and on."""

from dataclasses import dataclass, field
from datetime import datetime

from hub.registry.clearing_house.events import Events

PAGE = 7


@dataclass
class ByPages:
    """Reads on from the last event it has seen, as one does who follows `next` and then `since`."""

    events: Events
    publishers: tuple[str, ...]
    seen: list[str] = field(default_factory=list)
    last: datetime | None = None

    async def read_on(self) -> None:
        while page := await self.events.read(self.publishers, after=self.last, limit=PAGE):
            self.seen += [event.content.id for event in page]
            self.last = page[-1].created_at


@dataclass
class ByWindows:
    """Reads windows up to the newest moment, as syncs do; whatever is in them, they are done."""

    events: Events
    publishers: tuple[str, ...]
    seen: list[str] = field(default_factory=list)
    last: datetime | None = None

    async def read_on(self) -> None:
        until = await self.events.latest()
        if until is None:
            # There is no window before the first event.
            return
        found = await self.events.read(self.publishers, after=self.last, until=until, limit=10**6)
        self.seen += [event.content.id for event in found]
        self.last = until
