"""The drains of one process: never two of one integration, and all of them ended in good order."""

import asyncio
from collections import Counter, defaultdict

import pytest

from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.work import running as module
from delivery.work.running import Running, Stopping

ACME, BOLT, CORK = (IntegrationId(name) for name in ("acme", "bolt", "cork"))


class Drains:
    """Drains that last until they are let go, and are counted."""

    def __init__(self) -> None:
        self.gates: defaultdict[IntegrationId, asyncio.Event] = defaultdict(asyncio.Event)
        self.begun: list[IntegrationId] = []
        self.under_way: Counter[IntegrationId] = Counter()
        self.most: Counter[IntegrationId] = Counter()
        self.heard_stopping: list[bool] = []
        self.failure: Exception | None = None
        self.rings = False

    async def __call__(self, integration_id: IntegrationId, stopping: Stopping) -> bool:
        self.begun.append(integration_id)
        self.under_way[integration_id] += 1
        self.most[integration_id] = max(self.most[integration_id], self.under_way[integration_id])
        try:
            await self.gates[integration_id].wait()
            if self.failure:
                raise self.failure
        finally:
            self.heard_stopping.append(stopping())
            self.under_way[integration_id] -= 1
        return self.rings

    def let_go(self, *ids: IntegrationId) -> None:
        for integration_id in ids:
            self.gates[integration_id].set()


async def let_run() -> None:
    """Give every task that can run its turn."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_ring_for_what_is_being_drained_starts_nothing() -> None:
    drains = Drains()
    running = Running(drains)

    await running.begin([ACME, ACME, BOLT])
    await running.begin([ACME])
    await let_run()

    assert drains.begun == [ACME, BOLT]
    drains.let_go(ACME, BOLT)
    await running.finish()


async def test_when_a_drain_has_ended_the_next_ring_starts_another() -> None:
    drains = Drains()
    drains.let_go(ACME, BOLT)
    running = Running(drains)

    for _ in range(3):
        await running.begin([ACME])
        await let_run()

    assert drains.begun == [ACME] * 3
    assert drains.heard_stopping == [False] * 3


async def test_a_drain_that_rang_for_the_rest_is_left_to_whoever_hears_it() -> None:
    drains = Drains()
    drains.rings = True
    running = Running(drains)
    await running.begin([ACME])
    await running.begin([ACME])
    await let_run()

    drains.let_go(ACME)
    await let_run()

    assert drains.begun == [ACME]
    assert running.under_way == 0


async def test_to_finish_waits_for_the_drains_and_tells_them() -> None:
    drains = Drains()
    running = Running(drains)
    await running.begin([ACME, BOLT])
    await let_run()

    finishing = asyncio.create_task(running.finish())
    await let_run()
    assert not finishing.done()
    await running.begin([CORK])
    drains.let_go(ACME, BOLT)
    await finishing

    assert drains.begun == [ACME, BOLT]
    assert drains.heard_stopping == [True, True]


@pytest.mark.parametrize(
    ("failure", "event"),
    [
        (StoreUnavailable("Redis is away"), "drain.broken_off"),
        (ValueError("a bug"), "drain.failed"),
    ],
)
async def test_one_integrations_trouble_does_not_end_the_others(
    failure: Exception, event: str, capsys: pytest.CaptureFixture[str]
) -> None:
    drains = Drains()
    drains.failure = failure
    drains.let_go(ACME, BOLT)
    running = Running(drains)

    await running.begin([ACME])
    await let_run()
    drains.failure = None
    await running.begin([ACME, BOLT])
    await running.finish()

    assert drains.begun == [ACME, ACME, BOLT]
    assert event in capsys.readouterr().out


async def test_in_a_full_process_two_rings_for_one_integration_make_one_drain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    drains = Drains()
    running = Running(drains)
    await running.begin([BOLT, CORK])
    rings = [asyncio.create_task(running.begin([ACME])) for _ in range(2)]
    await let_run()

    drains.let_go(BOLT, CORK)
    await asyncio.gather(*rings)
    await let_run()

    assert drains.begun == [BOLT, CORK, ACME]
    drains.let_go(ACME)
    await running.finish()


async def test_what_waited_for_room_does_not_begin_once_the_process_is_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    drains = Drains()
    running = Running(drains)
    await running.begin([BOLT])

    waiting = asyncio.create_task(running.begin([ACME]))
    finishing = asyncio.create_task(running.finish())
    await let_run()
    drains.let_go(BOLT, ACME)
    await asyncio.gather(waiting, finishing)
    await let_run()

    assert drains.begun == [BOLT]


async def test_a_ring_that_comes_while_a_drain_ends_is_not_lost() -> None:
    drains = Drains()
    running = Running(drains)
    await running.begin([ACME])
    await let_run()

    await running.begin([ACME])
    await running.begin([ACME])
    drains.let_go(ACME)
    await let_run()
    await let_run()

    assert drains.begun == [ACME, ACME]
    assert drains.most[ACME] == 1
    await running.finish()
