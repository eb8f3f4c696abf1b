"""What is remembered of a statement, from its acceptance to its end and for some days after."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from delivery.facts.integration import IntegrationId
from delivery.facts.outcome import Unavailable
from delivery.facts.times import length_ms
from delivery.intake import Intake
from delivery.stores.headroom import Headroom
from delivery.stores.keys import Keys
from delivery.stores.lease import Leases
from delivery.stores.meters import Meters
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipt, Receipts, ReceiptState
from delivery.stores.statement_queue import CLOSE, Policy, Settled, StatementQueue
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import an_integration
from tests.fakes.statements import a_statement

ACME = IntegrationId("acme")
AGE = timedelta(days=7)
STATEMENT = a_statement()


@dataclass
class Shelf:
    """One statement, and what may happen to it."""

    store: Store
    clock: FakeClock

    async def begin(self) -> StatementQueue:
        lease = await Leases(self.store, self.clock).take(ACME)
        assert lease is not None
        policy = Policy(timedelta(seconds=60), timedelta(days=1), AGE)
        return StatementQueue(self.store, lease, clock=self.clock, policy=policy)

    async def settle(self, *, reason: str | None = None) -> None:
        queue = await self.begin()
        window = await queue.settle([], wanted=1)
        status = 400 if reason else None
        settled = [Settled(q, "a | b", status, reason) for q in window.statements]
        await queue.settle(settled, wanted=CLOSE)

    async def fail(self) -> None:
        queue = await self.begin()
        window = await queue.settle([], wanted=1)
        tried = [q.id for q in window.statements]
        await queue.stop([], Unavailable("HTTP 503: no | yes"), tried=tried, alert="{}")
        self.clock.move(seconds=60)

    async def receipt(self) -> Receipt:
        found = await Receipts(self.store).find(ACME, STATEMENT.id)
        assert found is not None
        return found

    async def left_ms(self) -> int:
        (left,) = await self.store.ask(("PTTL", f"{Keys(ACME).receipts}{STATEMENT.id}"))
        return int(left)

    @property
    def parked(self) -> ParkedStatements:
        return ParkedStatements(self.store, self.clock, AGE)


@pytest.fixture
async def shelf(store: Store) -> Shelf:
    clock = FakeClock()
    await StatusStore(store, clock).apply(an_integration())
    intake = Intake(store, Headroom(store), FakeDoorbell(), Meters(store), clock, 10)
    await intake.accept(ACME, [STATEMENT])
    return Shelf(store, clock)


async def test_of_what_never_came_nothing_is_known(shelf: Shelf) -> None:
    assert await Receipts(shelf.store).find(ACME, a_statement(2).id) is None
    assert await Receipts(shelf.store).find(IntegrationId("bolt"), STATEMENT.id) is None


async def test_while_it_waits_a_statement_is_not_forgotten(shelf: Shelf) -> None:
    at = shelf.clock()

    assert await shelf.receipt() == Receipt(STATEMENT.id, ReceiptState.QUEUED, at, None, 0, None)
    assert await shelf.left_ms() == -1


async def test_failed_attempts_are_counted_with_the_last_answer(shelf: Shelf) -> None:
    for _ in range(3):
        await shelf.fail()

    receipt = await shelf.receipt()
    assert (receipt.state, receipt.attempts) == (ReceiptState.QUEUED, 3)
    assert receipt.last_answer == "HTTP 503: no | yes"
    assert await shelf.left_ms() == -1


async def test_a_delivered_statement_is_remembered_for_its_days(shelf: Shelf) -> None:
    accepted = shelf.clock()
    await shelf.fail()

    await shelf.settle()

    assert await shelf.receipt() == Receipt(
        STATEMENT.id, ReceiptState.DELIVERED, accepted, shelf.clock(), 2, "a | b", shelf.clock()
    )
    assert length_ms(AGE) - 60_000 < await shelf.left_ms() <= length_ms(AGE)


async def test_a_parked_statement_is_not_forgotten(shelf: Shelf) -> None:
    await shelf.settle(reason="HTTP 400")

    receipt = await shelf.receipt()
    assert (receipt.state, receipt.attempts) == (ReceiptState.PARKED, 1)
    assert receipt.last_answer == "a | b"
    assert await shelf.left_ms() == -1


async def test_a_released_statement_is_queued_again_and_keeps_its_count(shelf: Shelf) -> None:
    await shelf.settle(reason="HTTP 400")

    await shelf.parked.release(ACME, [STATEMENT.id])
    released = await shelf.receipt()
    await shelf.settle()

    assert (released.state, released.attempts) == (ReceiptState.QUEUED, 1)
    assert ((await shelf.receipt()).state, (await shelf.receipt()).attempts) == (
        ReceiptState.DELIVERED,
        2,
    )


@pytest.mark.parametrize("ids", [None, [STATEMENT.id]], ids=["all", "by id"])
async def test_a_discarded_statement_says_so_for_its_days(
    shelf: Shelf, ids: list[str] | None
) -> None:
    await shelf.settle(reason="HTTP 400")

    await shelf.parked.discard(ACME, None if ids is None else [STATEMENT.id])

    receipt = await shelf.receipt()
    assert (receipt.state, receipt.delivered_at, receipt.attempts) == (
        ReceiptState.DISCARDED,
        None,
        1,
    )
    assert 0 < await shelf.left_ms() <= length_ms(AGE)
