"""One step of a conversion: some events are made completions, the integrations are told of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from hub.conversion.making import Renderer, make_completions
from hub.conversion.reading import NoCompletion
from hub.conversion.telling import Telling, Told
from hub.events.event import Event, EventType
from hub.registry.clearing_house.conversion_steps import ConversionSteps, Step
from hub.registry.clearing_house.event_completions import CONVERTED, Conversion, Failure
from hub.registry.sql.clock import Clock
from hub.xapi.completion import Completion

MOST_EVENTS = 200
MOST_CHARACTERS = 8 * 1024 * 1024
MOST_TRIED_AGAIN = 20
"""Failures are tried again in small steps, for each of their events may be as large as any."""
MOST_WORDS = 500


class Events(Protocol):
    """The events of all programs."""

    async def find(self, event_id: str) -> Event | None: ...

    async def read(
        self,
        publishers: Collection[str],
        *,
        after: datetime | None = None,
        until: datetime | None = None,
        event_type: EventType | None = None,
        limit: int,
    ) -> Sequence[Event]: ...


class Taken(NamedTuple):
    """A step that was taken and is to be recorded, and what was told in it."""

    step: Step
    told: Told


class Stepping:
    """Takes steps. Whatever is raised, and whatever is not recorded, may be taken again."""

    def __init__(
        self,
        steps: ConversionSteps,
        events: Events,
        renderer: Renderer,
        telling: Telling,
        clock: Clock,
    ) -> None:
        self._steps = steps
        self._events = events
        self._renderer = renderer
        self._telling = telling
        self._clock = clock

    async def take(self, conversion: Conversion) -> Taken | None:
        """Try failures again, or go on with what is after the cursor; None if there is neither.

        Raises HeldUp, StoreUnavailable, RegistryUnavailable, RendererDown.
        """
        failures = await self._steps.to_try_again(conversion, limit=MOST_TRIED_AGAIN)
        if failures:
            return await self._again(conversion, failures)
        through = await self._steps.reach(
            conversion, most_events=MOST_EVENTS, most_characters=MOST_CHARACTERS
        )
        if through == conversion.through:
            return None
        return await self._onward(conversion, through)

    async def _again(self, conversion: Conversion, failures: Sequence[Failure]) -> Taken:
        found = {one.event_id: await self._events.find(one.event_id) for one in failures}
        events = [event for event in found.values() if event is not None]
        gone = [event_id for event_id, event in found.items() if event is None]
        return await self._tell(conversion, events, through=conversion.through, gone=gone)

    async def _onward(self, conversion: Conversion, through: datetime) -> Taken:
        events = await self._events.read(
            [conversion.program_id],
            after=conversion.through,
            until=through,
            event_type=CONVERTED,
            limit=MOST_EVENTS,
        )
        return await self._tell(conversion, events, through=through)

    async def _tell(
        self,
        conversion: Conversion,
        events: Sequence[Event],
        *,
        through: datetime,
        gone: Sequence[str] = (),
    ) -> Taken:
        made = await make_completions(self._renderer, conversion.template, events)
        good = [(one, event) for one, event in _pairs(made, events) if isinstance(one, Completion)]
        told = await self._telling.tell(conversion.program_id, [one for one, _ in good])
        reasons = {
            event.content.id: one.reason
            for one, event in _pairs(made, events)
            if isinstance(one, NoCompletion)
        } | {good[place][1].content.id: reason for place, reason in told.failures.items()}
        return Taken(
            Step(
                through=through,
                failures=self._failures(events, reasons),
                done=[*gone, *(e.content.id for e in events if e.content.id not in reasons)],
            ),
            told,
        )

    def _failures(self, events: Sequence[Event], reasons: dict[str, str]) -> list[Failure]:
        return [
            Failure(
                event_id=event.content.id,
                event_created_at=event.created_at,
                reason=_plain(reasons[event.content.id]),
                at=self._clock(),
            )
            for event in events
            if event.content.id in reasons
        ]


def _pairs(
    made: Sequence[Completion | NoCompletion], events: Sequence[Event]
) -> list[tuple[Completion | NoCompletion, Event]]:
    return list(zip(made, events, strict=True))


def _plain(reason: str) -> str:
    # A reason may quote keys of the event, and not every character can be kept everywhere.
    words = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in reason)
    return words if len(words) <= MOST_WORDS else f"{words[: MOST_WORDS - 3]}..."
