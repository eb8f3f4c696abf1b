"""Carries operations on, step by step: replays, releases and discards of many statements.

Any worker may take the next step of any operation; each step and the new cursor are one script, so
a step that is lost, or done by two at once, repeats nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from delivery.facts.block import Ended, EndedAs
from delivery.facts.doorbell import Doorbell, Work
from delivery.facts.errors import StoreFull
from delivery.facts.operation import Kind, Operation, State, Verb
from delivery.facts.statement import order
from delivery.facts.times import Clock, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.archive import Archive, start_of
from delivery.stores.headroom import Headroom
from delivery.stores.keys import DUE, Keys
from delivery.stores.operation_store import Due, OperationStore
from delivery.stores.store import Store

SLICE = timedelta(seconds=2)
"""How long one operation is carried on before the next has its turn."""
PAUSE = timedelta(milliseconds=250)
"""Until an operation looks again whether there is room in its lane."""
ROOM = 20_000
"""How many replayed statements may wait at once: the rest stays in the archive, packed."""
CHUNK = 500
CLAIMED = 10

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a replay is: behind a place, and so many statements into the page that follows.

    If that page has been packed with others meanwhile, it is begun again: what has been lined up
    is known by its receipts.
    """

    passed: str = ""
    page: str = ""
    done: int = 0

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Read what `text` wrote; nothing was written at the beginning."""
        passed, page, done = text.split(" ") if text else ("", "", "0")
        return cls(passed, page, int(done))

    @property
    def text(self) -> str:
        """Write it down."""
        return f"{self.passed} {self.page} {self.done}" if self.passed or self.page else ""


@dataclass(frozen=True, slots=True)
class Operating:
    """Everything that carrying operations on needs."""

    store: Store
    operations: OperationStore
    archive: Archive
    headroom: Headroom
    doorbell: Doorbell
    clock: Clock
    receipt_age: timedelta
    archive_age: timedelta

    async def run(self) -> None:
        """Carry on what is due. Raises StoreUnavailable; it is due again then."""
        for due in await self.operations.claim(CLAIMED):
            await self._carry_on(due)

    async def _carry_on(self, due: Due) -> None:
        operation = await self.operations.find(*due)
        if operation is None:
            # Its integration was deleted, and everything of it.
            await self.operations.drop(due)
            return
        match operation.state, operation.kind:
            case State.RUNNING, Kind.REPLAY:
                ended = await self._replay(operation)
            case State.RUNNING, _:
                ended = await self._sift(operation)
            case State.CANCELLING, _:
                ended = await self._withdraw(operation)
            case _:
                return
        if ended:
            await self._end(operation)
        else:
            await self.operations.postpone(due, self.clock() + PAUSE)

    async def _end(self, operation: Operation) -> None:
        state = await self.operations.steer(operation.integration_id, operation.id, Verb.END)
        ended = await self.operations.find(operation.integration_id, operation.id) or operation
        log.info(
            "operation.ended",
            integration=operation.integration_id,
            operation=operation.id,
            kind=operation.kind,
            state=state,
            done=ended.done,
            skipped=ended.skipped,
        )

    async def _replay(self, operation: Operation) -> bool:
        """Line up what there is room for; True once all of it has left the lane."""
        selection, until = operation.selection, self.clock() + SLICE
        at = written = Cursor.read(operation.cursor)
        async for page in self.archive.pages(
            operation.integration_id, after=at.passed or start_of(selection), until=selection.until
        ):
            meant = [one for one in page.statements if selection.means(one)]
            for n in range(at.done if at.page == page.place else 0, len(meant), CHUNK):
                if self.clock() > until or not await self._has_room(operation):
                    return False
                whole = n + CHUNK >= len(meant)
                at = Cursor(page.place) if whole else Cursor(at.passed, page.place, n + CHUNK)
                if not await self._requeue(operation, meant[n : n + CHUNK], written, at):
                    return False
                written = at
            at = Cursor(page.place)
            if self.clock() > until:
                await self._requeue(operation, [], written, at)
                return False
        return await self._has_left(operation)

    async def _has_left(self, operation: Operation) -> bool:
        keys = Keys(operation.integration_id)
        (last,), entries = await self.store.ask(
            ("HMGET", f"{keys.operation}{operation.id}", "last"),
            ("XRANGE", keys.lane(operation.lane), "-", "+", "COUNT", 1),
        )
        return not entries or not last or order(entries[0][0]) > order(last)

    async def _has_room(self, operation: Operation) -> bool:
        try:
            self.headroom.check()
        except StoreFull:
            return False
        (waiting,) = await self.store.ask(
            ("XLEN", Keys(operation.integration_id).lane(operation.lane))
        )
        return int(waiting) < ROOM

    async def _requeue(
        self, operation: Operation, chunk: Sequence[Ended], cursor: Cursor, after: Cursor
    ) -> bool:
        keys = Keys(operation.integration_id)
        words: list[str | int | bytes] = []
        for one in chunk:
            delivered = int(one.outcome is EndedAs.DELIVERED)
            words += (one.id, one.digest, to_ms(one.accepted_at), delivered, one.body)
        reply = await self.store.run(
            scripts.REQUEUE,
            [
                *(keys.state, Keys(operation.integration_id).lane(operation.lane), keys.lease, DUE),
                *(f"{keys.operation}{operation.id}", keys.tries),
            ],
            *(to_ms(self.clock()), operation.integration_id, keys.receipts, operation.id),
            *(cursor.text, after.text, to_ms(operation.began_at)),
            *words,
        )
        match reply:
            case [b"moved", ring]:
                if ring == 1:
                    self.doorbell.ring(Work.DRAIN, [operation.integration_id])
                return True
            case _:
                return False

    async def _sift(self, operation: Operation) -> bool:
        keys, until = Keys(operation.integration_id), self.clock() + SLICE
        while self.clock() <= until:
            reply = await self.store.run(
                scripts.SIFT,
                [
                    *(keys.state, keys.front, keys.parked, DUE),
                    *(f"{keys.operation}{operation.id}", keys.tries, keys.ended),
                ],
                to_ms(self.clock()),
                operation.integration_id,
                keys.receipts,
                length_ms(self.receipt_age),
                CHUNK,
                int(bool(self.archive_age)),
            )
            match reply:
                case [b"moved", int() as seen, int() as changed]:
                    if changed and operation.kind is Kind.RELEASE:
                        self.doorbell.ring(Work.DRAIN, [operation.integration_id])
                    if seen < CHUNK:
                        return True
                case _:
                    return False
        return False

    async def _withdraw(self, operation: Operation) -> bool:
        keys, place = Keys(operation.integration_id), "-"
        while True:
            reply = await self.store.run(
                scripts.WITHDRAW,
                [Keys(operation.integration_id).lane(operation.lane), keys.tries],
                keys.receipts,
                length_ms(self.receipt_age),
                operation.id,
                place,
                CHUNK,
            )
            match reply:
                case [bytes() as last, _] if last:
                    place = f"({last.decode()}"
                case _:
                    return True
