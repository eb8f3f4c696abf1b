"""A registry that was restored from a backup: it is the truth, and delivery goes on."""

from delivery.facts.integration import IntegrationId
from delivery.facts.status import Heard, Status
from delivery.stores.keys import Keys
from tests.hub.api.conftest import Hub, a_statement


async def be_ahead(hub: Hub, integration: str, *, revision: int, version: int) -> None:
    """Let delivery have heard news that the registry does not have any more."""
    state = Keys(IntegrationId(integration)).state
    await hub.house.control.store.ask(
        ("HSET", state, "revision", revision, "version", version, "status", "refused"),
        ("HSET", state, "refused_version", version),
    )


async def heard(hub: Hub, integration: str) -> Heard | None:
    id_ = IntegrationId(integration)
    return (await hub.house.control.heard([id_]))[id_]


async def test_the_sweep_puts_a_restored_registry_past_what_delivery_has_heard(hub: Hub) -> None:
    integration = await hub.integrate()
    await hub.acme.post(f"/api/integrations/{integration}/statements", json=a_statement())
    await be_ahead(hub, integration, revision=40, version=7)

    mended = await hub.house.upkeep.reconcile()

    id_ = IntegrationId(integration)
    assert mended == 1
    assert await heard(hub, integration) == Heard(41, 8)
    health = (await hub.house.control.health([id_]))[id_]
    assert (health.status, health.queued) == (Status.FLOWING, 1)
    assert await hub.house.upkeep.reconcile() == 0
    (entry, *_) = (await hub.house.audit.list(kind="integration")).items
    assert (entry.action, entry.by) == ("restored", "hub")


async def test_a_registry_that_has_just_moved_on_is_not_behind(hub: Hub) -> None:
    integration = await hub.integrate()
    record = await hub.house.integrations.find_record(IntegrationId(integration))
    assert record is not None

    await hub.house.integrations.raise_past(record.id, Heard(record.revision, record.version))
    await hub.house.integrations.raise_past(IntegrationId("gone"), Heard(9, 9))

    assert await hub.house.integrations.find_record(record.id) == record


async def test_what_was_refused_with_a_version_nobody_knows_is_tried_again(hub: Hub) -> None:
    integration = await hub.integrate()
    await be_ahead(hub, integration, revision=9, version=3)
    await hub.house.upkeep.reconcile()

    changed = await hub.acme.patch(
        f"/api/integrations/{integration}", json={"clientSecret": "another"}
    )

    assert changed.json()["version"] == 5
    assert changed.json()["health"]["status"] == "flowing"
