"""Telling the integrations of a program of completions, each as far as it takes them.

One integration that takes nothing at the moment keeps no other from it: all are told, and then the
telling is held up, to be repeated as a whole. Statement ids make the repetition harmless.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from delivery.facts.errors import DeliveryError, QueueFull, StatementConflict, UnknownIntegration
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement, StatementId
from hub.completions import PROVIDER_DISABLED, Wording, Wordings
from hub.taking import Taking
from hub.xapi.completion import Completion, Skipped

NEVER_CHANGED = "was told of this event before, with other content; a statement is never changed"


class HeldUp(Exception):
    """An integration takes nothing at the moment; what the others took, they have."""

    def __init__(self, integration_id: IntegrationId, error: DeliveryError) -> None:
        super().__init__(f"integration {integration_id}: {error}")


@dataclass(slots=True)
class Told:
    """What became of some completions."""

    accepted: int = 0
    duplicates: int = 0
    skipped: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    """Why a completion could not be told of, by its place among them."""


class Telling:
    """Tells integrations of completions."""

    def __init__(self, wordings: Wordings, taking: Taking) -> None:
        self._wordings = wordings
        self._taking = taking

    async def tell(self, program_id: str, completions: Sequence[Completion]) -> Told:
        """Tell every integration of the program of these completions; their ids must differ.

        Raises HeldUp, StoreUnavailable, StoreFull, RegistryUnavailable: repeat it later.
        """
        told, skips = Told(), _Skips()
        held_up: HeldUp | None = None
        async for wording in self._wordings.each(program_id, completions):
            skips.note(wording)
            try:
                await self._tell_one(wording, told)
            except (QueueFull, UnknownIntegration) as error:
                held_up = held_up or HeldUp(wording.integration_id, error)
        if held_up:
            raise held_up
        told.skipped = skips.count
        told.failures = skips.unheard() | told.failures
        return told

    async def _tell_one(self, wording: Wording, told: Told) -> None:
        places = {
            one.id: place for place, one in enumerate(wording.said) if isinstance(one, Statement)
        }
        left = wording.statements()
        while left:
            try:
                taken = await self._taking.take_in(wording.integration_id, left)
            except StatementConflict as conflict:
                known = frozenset(conflict.ids)
                reason = f"integration {wording.integration_id} {NEVER_CHANGED}"
                told.failures |= {places[StatementId(one)]: reason for one in known}
                left = [one for one in left if one.id not in known]
                continue
            told.accepted += len(taken.accepted)
            told.duplicates += len(taken.duplicates)
            return


class _Skips:
    """Who could not be told of what."""

    def __init__(self) -> None:
        self.count = 0
        self._heard: set[int] = set()
        self._reasons: dict[int, list[str]] = defaultdict(list)

    def note(self, wording: Wording) -> None:
        for place, one in enumerate(wording.said):
            match one:
                case Statement():
                    self._heard.add(place)
                case Skipped(reason):
                    self.count += 1
                    if one is not PROVIDER_DISABLED:
                        self._reasons[place].append(
                            f"integration {wording.integration_id}: {reason}"
                        )

    def unheard(self) -> dict[int, str]:
        """Give the completions that somebody should have been told of and nobody was, and why."""
        return {
            place: "; ".join(reasons)
            for place, reasons in self._reasons.items()
            if place not in self._heard
        }
