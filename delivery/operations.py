"""Front door: replays, releases and discards of many statements, counted before they begin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from delivery.facts.errors import NothingMeant
from delivery.facts.integration import IntegrationId
from delivery.facts.operation import (
    Count,
    Kind,
    Operation,
    OperationId,
    Selection,
    State,
    Verb,
)
from delivery.facts.times import Clock, from_ms, to_ms
from delivery.stores import scripts
from delivery.stores.archive import Archive
from delivery.stores.journal import Attempt, Journal
from delivery.stores.keys import Keys
from delivery.stores.operation_store import OperationStore
from delivery.stores.store import Store

COUNTED_AT_ONCE = 1000
LOOKED_AT = 50
NEWEST, NOWHERE = "+", "0-1"
"""Places behind all parked statements, and before them."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an operation would do."""

    count: Count
    takes: timedelta | None
    """How long it would take at the pace of the last attempts; None if there were none."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Previews, begins, shows and steers operations."""

    store: Store
    operations: OperationStore
    archive: Archive
    journal: Journal
    clock: Clock

    async def preview(
        self,
        integration_id: IntegrationId,
        kind: Kind,
        selection: Selection,
        *,
        lines: int = 1,
        within: timedelta | None = None,
    ) -> Preview:
        """Count what would be meant now. `lines` is how many requests go at once.

        Of parked statements no more are looked at once `within` is over, if that is said.
        """
        until = None if within is None else self.clock() + within
        count = await self._count(integration_id, kind, selection, NEWEST, until=until)
        attempts, _ = await self.journal.page(
            integration_id, keep=_went_through, limit=LOOKED_AT, before=None
        )
        takes = None if kind is Kind.DISCARD else _duration(count.statements, attempts, lines)
        return Preview(count, takes)

    async def begin(
        self,
        integration_id: IntegrationId,
        kind: Kind,
        selection: Selection,
        *,
        in_front: bool = False,
        count: Count | None = None,
        by: str,
    ) -> Operation:
        """Begin an operation on what is meant now; what ends or is parked later is not.

        `count` is what a preview found, to save counting again. Raises NothingMeant, and
        UnknownIntegration.
        """
        now = self.clock()
        newest = await self.store.entries(Keys(integration_id).parked, limit=1)
        through = newest[0][0] if newest else NOWHERE
        if kind is Kind.REPLAY:
            # What it sends again will end later, and is not meant once more.
            selection = replace(selection, until=min(selection.until or now, now))
        if count is None:
            count = await self._count(integration_id, kind, selection, through)
        if not count.statements:
            raise NothingMeant(f"there is nothing to {kind}")
        operation = Operation(
            id=OperationId(uuid4().hex[:16]),
            integration_id=integration_id,
            kind=kind,
            state=State.RUNNING,
            selection=selection,
            lane="front" if in_front else "back",
            by=by,
            began_at=now,
            moved_at=now,
            ended_at=None,
            total=count.statements,
            size=count.size,
            done=0,
            skipped=0,
            cursor="",
            through=through,
            last="",
        )
        await self.operations.open(operation)
        return operation

    async def find(
        self, integration_id: IntegrationId, operation_id: OperationId
    ) -> Operation | None:
        """Return an operation with its progress; None if there is none."""
        return await self.operations.find(integration_id, operation_id)

    async def list(
        self, integration_id: IntegrationId, *, limit: int = 50, before: int | None = None
    ) -> tuple[Sequence[Operation], int | None]:
        """Return operations, newest first, and the cursor of the next page."""
        found = await self.operations.list(integration_id, limit=limit, before=before)
        return found, to_ms(found[-1].began_at) if len(found) == limit else None

    async def steer(
        self, integration_id: IntegrationId, operation_id: OperationId, verb: Verb
    ) -> Operation | None:
        """Pause, resume or cancel; where that means nothing, nothing changes. None if unknown."""
        if await self.operations.steer(integration_id, operation_id, verb) is None:
            return None
        return await self.operations.find(integration_id, operation_id)

    async def _count(
        self,
        integration_id: IntegrationId,
        kind: Kind,
        selection: Selection,
        through: str,
        *,
        until: datetime | None = None,
    ) -> Count:
        if kind is Kind.REPLAY:
            return await self.archive.count(integration_id, selection)
        return await self._count_parked(integration_id, selection, through, until=until)

    async def _count_parked(
        self,
        integration_id: IntegrationId,
        selection: Selection,
        through: str,
        *,
        until: datetime | None,
    ) -> Count:
        keys, place, total = Keys(integration_id), "-", Count()
        while True:
            reply = await self.store.run(
                scripts.SURVEY,
                [keys.parked],
                place,
                through,
                COUNTED_AT_ONCE,
                selection.status or "",
                "" if selection.since is None else to_ms(selection.since),
                "" if selection.until is None else to_ms(selection.until),
            )
            match reply:
                case [bytes() as last, int() as statements, int() as size, bytes() as oldest]:
                    total += Count(statements, size, from_ms(oldest) if oldest else None)
                    if not last:
                        return total
                    if until is not None and self.clock() >= until:
                        return replace(total, whole=False)
                    place = f"({last.decode()}"
                case _:
                    raise AssertionError(f"survey.lua answered {reply!r}")


def _went_through(attempt: Attempt) -> bool:
    return attempt.outcome == "accepted" and bool(attempt.statement_ids)


def _duration(statements: int, attempts: Sequence[Attempt], lines: int) -> timedelta | None:
    sent = sum(len(attempt.statement_ids) for attempt in attempts)
    if not sent:
        return None
    return sum((attempt.took for attempt in attempts), timedelta()) / sent * statements / lines
