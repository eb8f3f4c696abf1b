"""Where a statement is: in which lane, behind how many, parked, ended; and its bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement, StatementId
from delivery.intake import Intake
from delivery.stores import whereabouts
from delivery.stores.archive import Archive
from delivery.stores.headroom import Headroom
from delivery.stores.keys import Keys
from delivery.stores.lease import Leases
from delivery.stores.meters import Meters
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipts, ReceiptState
from delivery.stores.statement_queue import CLOSE, Policy, Settled, StatementQueue
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.stores.whereabouts import Searching, Whereabouts
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import an_integration
from tests.fakes.statements import statements

ACME = IntegrationId("acme")
KEYS = Keys(ACME)
AGE = timedelta(days=7)
POLICY = Policy(timedelta(seconds=60), timedelta(days=1), AGE)


@dataclass
class Office:
    """One integration, and somebody who asks for statements."""

    store: Store
    searching: Searching
    clock: FakeClock = field(default_factory=FakeClock)

    async def post(self, count: int, *, start: int = 1) -> list[Statement]:
        intake = Intake(
            self.store, Headroom(self.store), FakeDoorbell(), Meters(self.store), self.clock, 10_000
        )
        await intake.accept(ACME, posted := statements(count, start=start))
        return posted

    async def settle(self, count: int, *, status: int = 200) -> None:
        """Let so many be answered with a status."""
        lease = await Leases(self.store, self.clock).take(ACME)
        assert lease is not None
        queue = StatementQueue(self.store, lease, clock=self.clock, policy=POLICY)
        window = await queue.settle([], wanted=count)
        reason = None if status < 300 else f"HTTP {status}"
        settled = [Settled(q, "said", status, reason) for q in window.statements[:count]]
        await queue.settle(settled, wanted=CLOSE)

    async def find(self, statement_id: StatementId) -> Whereabouts:
        found = await self.searching.find(ACME, statement_id)
        assert found is not None
        return found

    async def before(self, posted: Sequence[Statement]) -> list[int | None]:
        found = [await self.find(one.id) for one in posted]
        return [one.waiting.before if one.waiting else None for one in found]


@pytest.fixture
async def office(store: Store) -> Office:
    clock = FakeClock()
    await StatusStore(store, clock).apply(an_integration("acme"))
    parked = ParkedStatements(store, clock, AGE)
    searching = Searching(store, Receipts(store), parked, Archive(store, clock, AGE))
    return Office(store, searching, clock)


async def test_what_never_came_is_nowhere(office: Office) -> None:
    assert await office.searching.find(ACME, StatementId("unknown")) is None


async def test_what_waits_is_counted_up_to_its_place(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whereabouts, "COUNTED", 3)
    posted = await office.post(6)

    found = await office.find(posted[1].id)

    assert found.waiting is not None
    assert (found.waiting.lane, found.waiting.before, found.waiting.waiting) == ("queue", 1, 6)
    assert (found.receipt.state, found.body) == (ReceiptState.QUEUED, posted[1].body)
    assert await office.before(posted) == [0, 1, 2, 3, None, None]


async def test_what_was_released_goes_before_what_waits(office: Office) -> None:
    (first,) = await office.post(1)
    await office.settle(1, status=400)
    (second,) = await office.post(1, start=2)
    parked = await office.find(first.id)

    await office.searching.parked.release(ACME, [first.id])

    assert parked.parked is not None
    assert (parked.parked.status, parked.body) == (400, first.body)
    assert await office.before([first, second]) == [0, 1]


async def test_what_was_delivered_is_found_as_long_as_it_is_kept(office: Office) -> None:
    posted = await office.post(3)
    await office.settle(3)

    kept = await office.find(posted[1].id)
    await office.store.ask(("DEL", KEYS.ended))
    gone = await office.find(posted[1].id)

    assert (kept.receipt.state, kept.body) == (ReceiptState.DELIVERED, posted[1].body)
    assert kept.ended is not None
    assert kept.ended.status == 200
    assert (gone.receipt, gone.body) == (kept.receipt, None)


async def test_what_was_discarded_is_found_among_the_others(office: Office) -> None:
    posted = await office.post(20)
    await office.settle(20, status=422)
    await office.searching.parked.discard(ACME, None)

    found = await office.find(posted[13].id)

    assert (found.receipt.state, found.body) == (ReceiptState.DISCARDED, posted[13].body)


async def test_what_moves_meanwhile_is_told_as_far_as_it_is_known(office: Office) -> None:
    (posted,) = await office.post(1)
    await office.store.ask(("DEL", KEYS.queue))

    found = await office.find(posted.id)

    assert (found.receipt.state, found.waiting, found.body) == (ReceiptState.QUEUED, None, None)
