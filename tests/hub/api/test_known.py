"""What is remembered of integrations: for how long, how many, and who asks."""

import asyncio
from datetime import timedelta

import pytest

from delivery.facts.integration import IntegrationId
from hub.api import known as module
from hub.api import statements
from hub.api.known import Known, KnownIntegrations
from hub.errors import RegistryUnavailable
from hub.xapi.rules import Rules
from tests.fakes.clock import FakeClock
from tests.hub.api.conftest import Hub, a_statement, errors_of

HERE = IntegrationId("here")
KNOWN = Known("ACME", Rules())


class Registry:
    """Answers when it is let, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[IntegrationId] = []
        self.open = asyncio.Event()
        self.away = False

    async def look(self, integration_id: IntegrationId) -> Known | None:
        self.asked.append(integration_id)
        await self.open.wait()
        if self.away:
            raise RegistryUnavailable("away")
        return KNOWN if integration_id == HERE else None


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def known(registry: Registry, clock: FakeClock) -> KnownIntegrations:
    return KnownIntegrations(registry.look, clock)


async def test_those_who_ask_together_ask_once(
    known: KnownIntegrations, registry: Registry
) -> None:
    waiting = [asyncio.create_task(known.find(HERE)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    registry.open.set()

    assert await asyncio.gather(*waiting[1:]) == [KNOWN] * 4
    assert registry.asked == [HERE]


async def test_an_answer_is_good_for_two_seconds(
    known: KnownIntegrations, registry: Registry, clock: FakeClock
) -> None:
    registry.open.set()
    nowhere = IntegrationId("nowhere")

    for seconds in (0, 1.9, 0.1):
        clock.move(seconds=seconds)
        assert await known.find(nowhere) is None

    assert registry.asked == [nowhere, nowhere]


async def test_what_is_forgotten_is_asked_again(
    known: KnownIntegrations, registry: Registry
) -> None:
    registry.open.set()
    await known.find(HERE)

    known.forget(HERE)
    await known.find(HERE)

    assert registry.asked == [HERE, HERE]


async def test_a_registry_that_is_away_is_not_remembered(
    known: KnownIntegrations, registry: Registry
) -> None:
    registry.open.set()
    registry.away = True
    with pytest.raises(RegistryUnavailable):
        await known.find(HERE)

    registry.away = False
    assert await known.find(HERE) == KNOWN


async def test_no_more_than_the_bound_are_remembered(
    known: KnownIntegrations, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 2)
    registry.open.set()
    for name in ("a", "b", "c", "b", "c", "a"):
        await known.find(IntegrationId(name))

    assert registry.asked == ["a", "b", "c", "a"]


async def test_sql_that_stalls_is_not_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stall(_: IntegrationId) -> Known | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(statements, "PATIENCE", timedelta(milliseconds=20))
    monkeypatch.setattr(hub.house.known, "_look", stall)

    answer = await hub.acme.post("/api/integrations/x/statements", json=a_statement())

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    errors_of(answer)
