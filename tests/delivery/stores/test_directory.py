"""What workers know of integrations: by revision, never older than what delivery was told."""

from dataclasses import replace

import pytest

from delivery.facts.doorbell import Work
from delivery.facts.integration import Integration, IntegrationId
from delivery.stores import directory as module
from delivery.stores.directory import Directory
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import FakeDoorbell
from tests.fakes.registry import FakeRegistry, an_integration

ACME = an_integration("acme", revision=3)


class CountingRegistry(FakeRegistry):
    """Counts how often it is asked."""

    asked = 0

    async def find(self, integration_id: IntegrationId) -> Integration | None:
        self.asked += 1
        return await super().find(integration_id)


@pytest.fixture
def registry() -> CountingRegistry:
    registry = CountingRegistry()
    registry.put(ACME)
    return registry


@pytest.fixture
def states(store: Store) -> StatusStore:
    return StatusStore(store, FakeClock())


@pytest.fixture
def bell() -> FakeDoorbell:
    return FakeDoorbell()


@pytest.fixture
def directory(registry: CountingRegistry, states: StatusStore, bell: FakeDoorbell) -> Directory:
    return Directory(registry, states, bell)


async def test_the_registry_is_asked_once_for_each_revision(
    directory: Directory, registry: CountingRegistry
) -> None:
    for _ in range(3):
        assert await directory.at(ACME.id, 3) == ACME
    registry.put(replace(ACME, revision=4))
    for _ in range(3):
        assert await directory.at(ACME.id, 4) == replace(ACME, revision=4)

    assert registry.asked == 2


async def test_news_that_delivery_has_not_heard_is_told_on_the_way(
    directory: Directory, registry: CountingRegistry, states: StatusStore
) -> None:
    await states.apply(ACME)
    newer = replace(ACME, revision=5, version=2)
    registry.put(newer)

    assert await directory.at(ACME.id, 3) == newer
    assert await states.revisions([ACME.id]) == {ACME.id: 5}


async def test_a_registry_that_knows_only_older_news_is_not_believed(
    directory: Directory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await directory.at(ACME.id, 4) is None
    assert "registry.behind" in capsys.readouterr().out


async def test_what_is_deleted_is_forgotten(
    directory: Directory, registry: CountingRegistry
) -> None:
    await directory.at(ACME.id, 3)
    registry.integrations.clear()

    assert await directory.find(ACME.id) is None
    assert await directory.at(ACME.id, 3) is None


async def test_of_many_integrations_the_latest_are_remembered(
    directory: Directory, registry: CountingRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    many = [an_integration(f"acme-{n}", revision=3) for n in range(3)]
    for integration in many:
        registry.put(integration)
        await directory.find(integration.id)
    asked = registry.asked

    await directory.at(many[2].id, 3)
    await directory.at(many[1].id, 3)
    assert registry.asked == asked
    await directory.at(many[0].id, 3)

    assert registry.asked == asked + 1


async def test_a_rotated_refresh_token_is_kept_and_told(
    directory: Directory, registry: CountingRegistry, states: StatusStore
) -> None:
    await directory.keep_refresh_token(ACME, "rotated")

    kept = registry.integrations[ACME.id]
    assert kept.credentials.refresh_token == "rotated"
    assert await states.revisions([ACME.id]) == {ACME.id: kept.revision}


async def test_a_token_rotated_while_the_integration_is_deleted_is_told_to_nobody(
    directory: Directory,
    registry: CountingRegistry,
    states: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def drop(*_: object) -> None:
        registry.integrations.clear()

    monkeypatch.setattr(registry, "keep_refresh_token", drop)
    await directory.keep_refresh_token(ACME, "rotated")

    assert await states.revisions([ACME.id]) == {ACME.id: None}


async def test_what_may_flow_now_is_rung_for(
    directory: Directory, states: StatusStore, bell: FakeDoorbell, store: Store
) -> None:
    await states.apply(replace(ACME, enabled=False))
    await store.ask(("XADD", f"hub:{{{ACME.id}}}:queue", "*", "i", "1"))

    await directory.apply(replace(ACME, revision=4))
    await directory.apply(replace(ACME, revision=3))

    assert bell.rings == [(Work.DRAIN, [ACME.id])]
