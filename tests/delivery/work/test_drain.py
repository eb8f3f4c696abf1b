"""One drain, from the lease to the last window; what ends it, and what it leaves behind."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from delivery.control import Control
from delivery.facts.doorbell import Work
from delivery.facts.integration import IntegrationId
from delivery.facts.outcome import Answer, Reply
from delivery.facts.status import Health, Status
from delivery.intake import Intake
from delivery.mails.alerts import MailRecords
from delivery.stores.directory import Directory
from delivery.stores.headroom import Headroom
from delivery.stores.journal import Journal
from delivery.stores.keys import DUE, Keys
from delivery.stores.lease import Leases
from delivery.stores.meters import Meters
from delivery.stores.parked import ParkedStatements
from delivery.stores.receipts import Receipts
from delivery.stores.statement_queue import Policy
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.stores.tallies import Tallies
from delivery.work.drain import Drainer, first_window, window_size
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import FakeRegistry, an_integration
from tests.fakes.scripted import OK, TOOK, ScriptedLrs, ScriptedTokens
from tests.fakes.statements import a_statement, statements

ACME = IntegrationId("acme")
KEYS = Keys(ACME)
POLICY = Policy(timedelta(seconds=60), timedelta(days=1), timedelta(days=7))


def never() -> bool:
    return False


@dataclass
class Bench:
    """A drainer whose LRS does as it is told."""

    store: Store
    clock: FakeClock
    bell: FakeDoorbell
    registry: FakeRegistry
    states: StatusStore
    lrs: ScriptedLrs
    drainer: Drainer
    intake: Intake

    async def furnish(self, **changes: object) -> None:
        integration = an_integration("acme", **changes)
        self.registry.put(integration)
        await self.states.apply(integration)

    async def post(self, count: int) -> None:
        await self.intake.accept(ACME, statements(count))
        self.bell.rings.clear()

    async def health(self) -> Health:
        return (await self.states.health([ACME]))[ACME]

    @property
    def sent(self) -> int:
        return sum(map(len, self.lrs.requests))


@pytest.fixture
def bench(store: Store) -> Bench:
    clock, bell, registry, lrs = FakeClock(), FakeDoorbell(), FakeRegistry(), ScriptedLrs()
    states, meters, tallies = StatusStore(store, clock), Meters(store), Tallies(store)
    drainer = Drainer(
        store=store,
        leases=Leases(store, clock),
        directory=Directory(registry, states, bell),
        lrs=lrs,
        tokens=ScriptedTokens(),
        journal=Journal(store),
        meters=meters,
        tallies=tallies,
        doorbell=bell,
        clock=clock,
        policy=POLICY,
    )
    intake = Intake(store, Headroom(store), bell, meters, clock, 10_000)
    return Bench(store, clock, bell, registry, states, lrs, drainer, intake)


@pytest.mark.parametrize(
    ("batch_size", "concurrency", "size"),
    [(1, 1, 32), (1, 32, 256), (50, 1, 400), (50, 4, 1600), (50, 32, 2000), (4, 1, 32)],
)
def test_a_window_keeps_every_request_slot_busy_for_a_while(
    batch_size: int, concurrency: int, size: int
) -> None:
    integration = an_integration("acme", batch_size=batch_size, concurrency=concurrency)

    assert window_size(integration) == size
    assert first_window(integration, Status.FLOWING) == size
    assert first_window(integration, Status.DOWN) == 1


async def test_a_drain_empties_the_queue_window_by_window(bench: Bench) -> None:
    await bench.furnish(batch_size=10)
    await bench.post(200)

    await bench.drainer.drain(ACME, never)

    assert [len(request) for request in bench.lrs.requests] == [10] * 20
    assert (await bench.health()).queued == 0
    assert bench.bell.rings == []


async def test_where_another_drains_nothing_is_done(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(1)
    await bench.drainer.leases.take(ACME)

    await bench.drainer.drain(ACME, never)

    assert bench.lrs.requests == []


async def test_what_the_registry_does_not_have_is_left_to_the_sweep(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    await bench.furnish()
    await bench.post(3)
    bench.registry.integrations.clear()

    await bench.drainer.drain(ACME, never)

    assert bench.lrs.requests == []
    assert (await bench.health()).queued == 3
    assert "integration.missing" in capsys.readouterr().out


async def test_after_its_slice_a_drain_ends_and_rings_for_itself(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(40)

    def slow(_: list[bytes]) -> Reply:
        bench.clock.move(seconds=3)
        return OK

    bench.lrs.behave = slow
    await bench.drainer.drain(ACME, never)

    assert bench.sent == 1
    assert (await bench.health()).queued == 39
    assert bench.bell.rings == [(Work.DRAIN, [ACME])]
    assert await bench.drainer.leases.take(ACME) is not None


async def test_a_process_that_is_to_end_closes_the_drain_after_its_window(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(100)

    await bench.drainer.drain(ACME, lambda: bench.sent > 0)

    assert bench.sent == 32
    assert (await bench.health()).queued == 68
    assert bench.bell.rings == [(Work.DRAIN, [ACME])]


async def test_a_drain_that_has_lost_its_lease_leaves_everything_to_the_other(
    bench: Bench,
) -> None:
    await bench.furnish()
    await bench.post(3)
    other = replace(bench.drainer, lrs=ScriptedLrs())

    async def another_drains() -> None:
        await bench.store.ask(("DEL", KEYS.lease))
        await other.drain(ACME, never)

    bench.lrs.behave = lambda _: Answer(503, "", TOOK)
    bench.lrs.meanwhile = another_drains
    await bench.drainer.drain(ACME, never)

    health = await bench.health()
    assert (health.status, health.queued) == (Status.FLOWING, 0)
    assert bench.bell.rings == []


async def test_what_was_sent_without_a_lease_stays_for_the_other_to_settle(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(40)

    async def another_begins() -> None:
        await bench.store.ask(("HINCRBY", KEYS.state, "fence", 1))

    bench.lrs.meanwhile = another_begins
    await bench.drainer.drain(ACME, never)

    assert bench.sent == 32
    assert (await bench.health()).queued == 40
    assert bench.bell.rings == []


@pytest.mark.parametrize("status", [200, 503])
async def test_a_drain_leaves_nothing_of_an_integration_that_is_deleted_under_it(
    bench: Bench, status: int
) -> None:
    await bench.furnish()
    await bench.post(3)
    control = Control(
        store=bench.store,
        states=bench.states,
        receipts=Receipts(bench.store),
        journal=Journal(bench.store),
        parked_statements=ParkedStatements(bench.store, bench.clock, POLICY.receipt_age),
        mail_records=MailRecords(bench.store),
        doorbell=bench.bell,
        clock=bench.clock,
        receipt_age=POLICY.receipt_age,
    )

    async def delete() -> None:
        await control.remove(ACME, discard=True)

    bench.lrs.behave = lambda _: Answer(status, "", TOOK)
    bench.lrs.meanwhile = delete
    await bench.drainer.drain(ACME, never)

    assert await bench.store.redis.keys(f"*{ACME}*") == [KEYS.state.encode()]
    assert bench.bell.rings == []


async def test_an_outage_rings_for_a_mail_and_not_for_a_drain(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(2)
    bench.lrs.behave = lambda _: Answer(503, "", TOOK)

    await bench.drainer.drain(ACME, never)

    assert bench.bell.rings == [(Work.MAIL, [ACME])]
    (due,) = await bench.store.ask(("ZSCORE", DUE, ACME))
    assert due is not None


async def test_an_update_that_crosses_a_refusal_is_rung_for(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(2)

    bench.lrs.behave = lambda _: Answer(403, "", TOOK)
    bench.lrs.meanwhile = lambda: bench.furnish(version=2, revision=2)
    await bench.drainer.drain(ACME, never)

    assert (Work.DRAIN, [ACME]) in bench.bell.rings
    assert (await bench.health()).status is Status.FLOWING


async def test_an_update_in_the_middle_of_a_drain_closes_it_for_one_that_knows(
    bench: Bench,
) -> None:
    await bench.furnish()
    await bench.post(40)

    bench.lrs.meanwhile = lambda: bench.furnish(version=2, revision=2)
    await bench.drainer.drain(ACME, never)

    assert (await bench.health()).queued == 8
    assert (Work.DRAIN, [ACME]) in bench.bell.rings


async def test_disabled_in_the_middle_of_a_drain_it_ends(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(40)

    bench.lrs.meanwhile = lambda: bench.furnish(enabled=False, revision=2)
    await bench.drainer.drain(ACME, never)

    health = await bench.health()
    assert (health.status, health.queued) == (Status.DISABLED, 8)
    assert bench.bell.rings == []


@pytest.mark.parametrize("status", [503, 403])
async def test_disabled_while_its_last_request_fails_it_stays_disabled(
    bench: Bench, status: int
) -> None:
    await bench.furnish()
    await bench.post(2)

    bench.lrs.behave = lambda _: Answer(status, "", TOOK)
    bench.lrs.meanwhile = lambda: bench.furnish(enabled=False, revision=2)
    await bench.drainer.drain(ACME, never)

    health = await bench.health()
    assert (health.status, health.queued) == (Status.DISABLED, 2)
    assert await bench.store.ask(("ZSCORE", DUE, ACME)) == [None]


async def test_a_bug_in_the_store_is_raised_and_the_queue_is_as_it_was(bench: Bench) -> None:
    await bench.furnish()
    await bench.post(2)
    await bench.store.ask(("SET", KEYS.tries, "not a hash"))
    bench.lrs.behave = lambda _: Answer(503, "", TOOK)

    with pytest.raises(Exception, match="WRONGTYPE"):
        await bench.drainer.drain(ACME, never)

    assert (await bench.health()).queued == 2
    assert a_statement(1).id in str(await bench.store.entries(KEYS.queue, limit=2))
