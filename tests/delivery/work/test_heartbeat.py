"""The clock of a worker: rings for what is due, once, and outlives whatever happens to it."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from delivery.facts.doorbell import Work
from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.times import to_ms
from delivery.stores.keys import BEATS, DUE, MAIL, SWEEP, Keys
from delivery.stores.lease import GRACE
from delivery.stores.meters import Meters
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Command, Store
from delivery.work import heartbeat as module
from delivery.work.heartbeat import IN_ONE_RING, MAIL_GRACE, Body, Heartbeat, last_beat
from delivery.work.running import Running, Stopping
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import an_integration
from tests.waiting import until


async def never(_: IntegrationId, __: Stopping) -> None:
    """Drain nothing."""


@dataclass
class CountingRegistry:
    """Counts the sweeps."""

    sweeps: int = 0

    async def reconcile(self) -> int:
        self.sweeps += 1
        return 0


class FragileMeters(Meters):
    """Fails at each flush as it is told to, and works then."""

    failures: list[Exception]
    flushed = 0

    async def flush(self) -> None:
        self.flushed += 1
        if self.failures:
            raise self.failures.pop(0)
        await super().flush()


class StoreOfAnother(Store):
    """Has every mail sent by another worker as soon as this one has seen that it is due."""

    async def ask(self, *commands: Command, atomic: bool = False) -> list[object]:
        replies = await super().ask(*commands, atomic=atomic)
        if commands[0][:2] == ("ZRANGEBYSCORE", MAIL):
            await super().ask(("DEL", MAIL))
        return replies


@dataclass
class Workshop:
    """Integrations, and workers whose clocks beat for them."""

    store: Store
    clock: FakeClock = field(default_factory=FakeClock)
    bell: FakeDoorbell = field(default_factory=FakeDoorbell)
    registry: CountingRegistry = field(default_factory=CountingRegistry)

    @property
    def states(self) -> StatusStore:
        return StatusStore(self.store, self.clock)

    def worker(self, name: str = "one", meters: Meters | None = None) -> Heartbeat:
        return Heartbeat(
            store=self.store,
            states=self.states,
            registry=self.registry,
            meters=meters or Meters(self.store),
            doorbell=self.bell,
            clock=self.clock,
            name=name,
            body=Body("host", "1.0", Running(never)),
        )

    async def add(self, name: str, *, due_in: float | None = 0, **state: str | int) -> None:
        integration = an_integration(name)
        await self.states.apply(integration)
        keys = Keys(integration.id)
        for key, value in state.items():
            await self.store.ask(("HSET", keys.state, key, value))
        if due_in is not None:
            at = to_ms(self.clock() + timedelta(seconds=due_in))
            await self.store.ask(("ZADD", DUE, at, name))

    def heard(self) -> list[tuple[Work, list[str]]]:
        heard = [(work, [str(i) for i in sorted(ids)]) for work, ids in self.bell.rings]
        self.bell.rings.clear()
        return heard


@pytest.fixture
def workshop(store: Store) -> Workshop:
    return Workshop(store)


async def test_what_is_due_is_rung_for_and_what_is_down_as_a_probe(workshop: Workshop) -> None:
    await workshop.add("flowing")
    await workshop.add("down", status="down")
    await workshop.add("later", due_in=1)

    await workshop.worker().beat()

    assert workshop.heard() == [(Work.PROBE, ["down"]), (Work.DRAIN, ["flowing"])]


async def test_what_is_rung_for_is_due_again_only_if_nothing_comes_of_it(
    workshop: Workshop,
) -> None:
    await workshop.add("acme")
    await workshop.worker("one").beat()
    workshop.heard()

    await workshop.worker("two").beat()
    workshop.clock.now += GRACE - timedelta(milliseconds=1)
    await workshop.worker("two").beat()
    assert workshop.heard() == []
    workshop.clock.now += timedelta(milliseconds=1)
    await workshop.worker("two").beat()

    assert workshop.heard() == [(Work.DRAIN, ["acme"])]


@pytest.mark.parametrize("known", [True, False])
async def test_what_is_disabled_or_gone_is_taken_out_of_the_index(
    workshop: Workshop,
    known: bool,  # noqa: FBT001 - a column of the table
) -> None:
    await workshop.add("acme", status="disabled")
    if not known:
        await workshop.store.ask(("DEL", Keys(IntegrationId("acme")).state))

    await workshop.worker().beat()

    assert workshop.heard() == []
    assert await workshop.store.ask(("ZCARD", DUE)) == [0]


async def test_a_ring_carries_some_integrations_and_a_beat_not_too_many(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 120)
    for number in range(130):
        await workshop.add(f"acme-{number:03}")
    worker = workshop.worker()

    await worker.beat()
    first = workshop.heard()
    await worker.beat()
    second = workshop.heard()

    assert [len(ids) for _, ids in first] == [IN_ONE_RING, IN_ONE_RING, 20]
    assert [len(ids) for _, ids in second] == [10]
    assert len({i for _, ids in first + second for i in ids}) == 130


async def test_pending_mails_are_rung_for_and_again_after_a_minute(workshop: Workshop) -> None:
    await workshop.add("acme", due_in=None)
    await workshop.store.ask(("ZADD", MAIL, to_ms(workshop.clock()), "acme"))
    worker = workshop.worker()

    await worker.beat()
    assert workshop.heard() == [(Work.MAIL, ["acme"])]
    await worker.beat()
    assert workshop.heard() == []
    workshop.clock.now += MAIL_GRACE
    await worker.beat()

    assert workshop.heard() == [(Work.MAIL, ["acme"])]


async def test_a_mail_that_is_sent_meanwhile_does_not_come_back(workshop: Workshop) -> None:
    await workshop.add("acme", due_in=None)
    await workshop.store.ask(("ZADD", MAIL, to_ms(workshop.clock()), "acme"))
    worker = replace(workshop.worker(), store=StoreOfAnother(workshop.store.redis))

    await worker.beat()

    assert workshop.heard() == [(Work.MAIL, ["acme"])]
    assert await workshop.store.ask(("ZCARD", MAIL)) == [0]


async def test_one_of_all_workers_sweeps_each_minute(workshop: Workshop) -> None:
    workers = [workshop.worker(name) for name in ("one", "two", "three")]

    for _ in range(3):
        await asyncio.gather(*(worker.beat() for worker in workers))

    assert workshop.registry.sweeps == 1
    (left,) = await workshop.store.ask(("PTTL", SWEEP))
    assert 0 < left <= 60_000
    await workshop.store.ask(("DEL", SWEEP))
    await workers[0].beat()
    assert workshop.registry.sweeps == 2


async def test_a_sweep_puts_back_what_has_work_and_is_in_no_index(workshop: Workshop) -> None:
    await workshop.add("waiting", due_in=None)
    await workshop.add("idle", due_in=None)
    await workshop.add("telling", due_in=None, alert="{}")
    waiting = Keys(IntegrationId("waiting"))
    await workshop.store.ask(("XADD", waiting.queue, "*", "i", "1"))
    worker = workshop.worker()

    await worker.sweep(workshop.clock())
    await worker.beat()

    assert workshop.heard() == [(Work.DRAIN, ["waiting"]), (Work.MAIL, ["telling"])]


async def test_workers_of_yesterday_are_forgotten(workshop: Workshop) -> None:
    await workshop.worker("yesterday's").beat()
    workshop.clock.move(days=1, seconds=1)
    await workshop.worker("today's").sweep(workshop.clock())
    await workshop.worker("today's").beat()

    assert await workshop.store.ask(("ZRANGE", BEATS, 0, -1)) == [[b"today's"]]


async def test_the_last_beat_of_any_worker_is_known(workshop: Workshop) -> None:
    assert await last_beat(workshop.store) is None

    await workshop.worker("one").beat()
    workshop.clock.move(seconds=5)
    await workshop.worker("two").beat()

    assert await last_beat(workshop.store) == workshop.clock()


async def test_a_clock_beats_on_through_outages_and_bugs(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "BEAT", timedelta(0))
    meters = FragileMeters(workshop.store)
    meters.failures = [
        *(StoreUnavailable("Redis is away") for _ in range(3)),
        ValueError("a bug"),
        StoreUnavailable("Redis is away"),
    ]
    beating = asyncio.create_task(workshop.worker(meters=meters).run())

    await until(lambda: meters.flushed >= 8)
    assert not beating.done()
    # More than once: Python 3.11's wait_for, in the Redis client, loses some cancellations.
    await until(lambda: beating.cancel() is False)

    told = capsys.readouterr().out
    events = ("redis.away", "redis.back", "heartbeat.failed")
    assert [told.count(f"] {event}") for event in events] == [1, 1, 1]
    assert meters.failures == []
