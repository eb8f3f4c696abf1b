"""Delivery as the real registry tells of it, on SQLite and on PostgreSQL, with real sockets.

A process may die between a commit in SQL and its being told to delivery; the sweep finds out.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from delivery.facts.errors import StatementsWaiting, UnknownIntegration
from delivery.facts.integration import IntegrationId, TokenAuth
from delivery.facts.status import Status
from delivery.stores.keys import Keys
from delivery.stores.receipts import ReceiptState
from hub.registry.parties.integrations import NewIntegration
from hub.registry.parties.providers import Provider
from tests.conformance.engine import NEW, Engine, open_engine
from tests.fakes.clock import FakeClock
from tests.fakes.contacts import FakeContacts
from tests.fakes.statements import a_statement, ids, statements


@dataclass(frozen=True, slots=True)
class House:
    """An engine on a real registry, and an LRS on real sockets."""

    engine: Engine
    sandbox: Sandbox
    new: NewIntegration
    contacts: FakeContacts

    @property
    def delivered(self) -> list[str]:
        return self.sandbox.lrs.ids()

    async def die_before_telling(self, integration_id: IntegrationId, **changes: str) -> None:
        """Commit a change, as a process that dies before delivery hears of it."""
        await self.engine.registry.change(
            integration_id,
            changes,  # type: ignore[arg-type]  # columns by name
            by="test",
        )

    async def sweep(self) -> None:
        """Sweep as the heartbeat does once a minute, and answer the rings."""
        await self.engine.heartbeat.sweep(self.engine.clock.now)
        await self.engine.settle()


@pytest_asyncio.fixture
async def house(
    empty_valkey_url: str, registry_url: str, contacts: FakeContacts
) -> AsyncIterator[House]:
    clock = FakeClock()
    sandbox = Sandbox(clock)
    async with (
        listening(sandbox, smtp_port=None) as at,
        open_engine(empty_valkey_url, registry_url, contacts, clock) as engine,
    ):
        await engine.furnish(Provider("lms", "An LMS"))
        new = replace(
            NEW,
            statement_url=at.statement_url,
            authentication_url=at.authentication_url,
            client_id="sandbox",
            client_secret="sandbox-secret",
        )
        yield House(engine, sandbox, new, contacts)


async def test_what_the_registry_was_told_is_what_is_delivered_with(house: House) -> None:
    posted = statements(7)
    acme = await house.engine.connect(replace(house.new, batch_size=3))

    await house.engine.post(acme, *posted)

    assert house.delivered == ids(posted)
    assert [entry.count for entry in house.sandbox.log.entries() if entry.count] == [1, 3, 3]


async def test_refused_credentials_wait_until_the_registry_has_new_ones(house: House) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    posted = statements(10)
    await house.engine.post(acme, *posted)
    await house.engine.run(hours=48)
    assert len(house.sandbox.log.entries()) == 1
    assert (await house.engine.health(acme)).status is Status.REFUSED

    await house.engine.change(acme, name="Another name", technical_emails=("b@acme.example",))
    assert len(house.sandbox.log.entries()) == 1
    await house.engine.change(acme, client_secret="sandbox-secret")

    assert house.delivered == ids(posted)


async def test_a_new_address_releases_what_was_parked(house: House) -> None:
    acme = await house.engine.connect(house.new)
    posted = statements(5)
    house.sandbox.change({"rejectStatements": ids(posted[:2])})
    await house.engine.post(acme, *posted)
    assert [p.version for p in await house.engine.parked(acme)] == [1, 1]
    house.sandbox.change({"rejectStatements": []})
    await house.engine.change(acme, statement_url=house.new.statement_url)
    await house.engine.change(acme, client_secret="")
    assert house.delivered == ids(posted[2:])

    await house.engine.change(acme, scope="all")

    assert house.delivered == ids([*posted[2:], *posted[:2]])
    assert await house.engine.parked(acme) == []


async def test_disabled_it_holds_and_enabled_it_drains(house: House) -> None:
    acme = await house.engine.connect(house.new)
    posted = statements(4)

    await house.engine.change(acme, enabled=False)
    await house.engine.post(acme, *posted)
    await house.engine.run(hours=5)
    assert house.sandbox.log.entries() == []
    await house.engine.change(acme, enabled=True)

    assert house.delivered == ids(posted)


async def test_a_change_of_the_provider_reaches_its_integrations(house: House) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    await house.engine.post(acme, a_statement())
    house.sandbox.change({"clients": {"sandbox": "wrong"}})

    changed = await house.engine.providers.change("lms", {"token_auth": TokenAuth.BODY}, by="test")
    await house.sweep()

    assert changed.touched == (acme,)
    assert house.delivered == [a_statement().id]


async def test_deleting_asks_first_and_then_leaves_nothing(house: House) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    await house.engine.post(acme, *statements(3))

    with pytest.raises(StatementsWaiting):
        await house.engine.upkeep.delete(acme, discard=False, by="test")
    assert (await house.engine.health(acme)).queued == 3
    assert await house.engine.upkeep.delete(acme, discard=True, by="test") == 3

    assert await house.engine.registry.find_record(acme) is None
    with pytest.raises(UnknownIntegration):
        await house.engine.intake.accept(acme, [a_statement(4)])
    assert await house.engine.redis.keys(f"*{acme}*") == [Keys(acme).state.encode()]
    assert await house.engine.redis.pttl(Keys(acme).state) > 0


async def test_of_what_was_created_and_not_told_the_sweep_tells(house: House) -> None:
    record = await house.engine.registry.create("ACME", house.new, by="test")
    with pytest.raises(UnknownIntegration):
        await house.engine.intake.accept(record.id, [a_statement()])

    assert await house.engine.upkeep.reconcile() == 1
    await house.engine.post(record.id, a_statement())

    assert house.delivered == [a_statement().id]
    assert await house.engine.upkeep.reconcile() == 0


async def test_of_new_credentials_that_were_not_told_the_sweep_tells(house: House) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    posted = statements(3)
    await house.engine.post(acme, *posted)

    await house.die_before_telling(acme, client_secret="sandbox-secret")
    await house.engine.run(minutes=5)
    assert house.delivered == []
    await house.sweep()

    assert house.delivered == ids(posted)


async def test_of_a_switch_that_was_not_told_the_sweep_tells(house: House) -> None:
    acme = await house.engine.connect(house.new)

    await house.engine.registry.change(acme, {"enabled": False}, by="test")
    await house.sweep()
    await house.engine.post(acme, a_statement())
    assert (await house.engine.health(acme)).status is Status.DISABLED
    assert house.delivered == []
    await house.engine.registry.change(acme, {"enabled": True}, by="test")
    await house.sweep()

    assert house.delivered == [a_statement().id]


async def test_a_change_that_was_not_told_is_noticed_by_whoever_reads_the_registry_next(
    house: House, empty_valkey_url: str, registry_url: str
) -> None:
    acme = await house.engine.connect(replace(house.new, statement_url="http://127.0.0.1:1/"))
    await house.engine.post(acme, a_statement())
    await house.die_before_telling(acme, statement_url=house.new.statement_url)

    async with open_engine(
        empty_valkey_url, registry_url, house.contacts, house.engine.clock
    ) as restarted:
        await restarted.run(minutes=1)

    assert house.delivered == [a_statement().id]
    assert await house.engine.upkeep.reconcile() == 0


async def test_a_deletion_that_had_begun_is_ended_by_the_sweep(house: House) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    await house.engine.post(acme, *statements(3))

    await house.engine.control.remove(acme, discard=True)
    await house.engine.registry.mark_deleting(acme, by="test")
    assert await house.engine.upkeep.reconcile() == 1

    assert await house.engine.registry.find_record(acme) is None
    assert await house.engine.upkeep.reconcile() == 0
    again = await house.engine.registry.create("ACME", house.new, by="test")
    assert again.id != acme


async def test_a_marked_integration_with_statements_is_emptied_by_the_sweep(house: House) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    await house.engine.post(acme, *statements(3))

    await house.engine.registry.mark_deleting(acme, by="test")
    await house.engine.run(hours=2)
    assert await house.engine.upkeep.reconcile() == 1

    assert await house.engine.registry.find_record(acme) is None
    assert await house.engine.redis.keys(f"*{acme}*") == [Keys(acme).state.encode()]


async def test_a_deletion_that_died_before_its_mark_leaves_an_empty_integration(
    house: House,
) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    await house.engine.post(acme, *statements(3))

    await house.engine.control.remove(acme, discard=True)
    await house.sweep()
    with pytest.raises(UnknownIntegration):
        await house.engine.intake.accept(acme, [a_statement(4)])
    await let_the_minute_pass(house.engine, acme)
    await house.sweep()
    await house.engine.change(acme, client_secret="sandbox-secret")
    await house.engine.post(acme, a_statement(1), a_statement(4))

    assert house.delivered == ids([a_statement(1), a_statement(4)])
    assert (await house.engine.receipt(acme, a_statement(4))).state is ReceiptState.DELIVERED


async def test_a_deletion_that_a_sweep_ends_meanwhile_is_done(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await house.engine.connect(replace(house.new, client_secret="wrong"))
    await house.engine.post(acme, *statements(3))
    mark_deleting = house.engine.registry.mark_deleting

    async def marked_and_swept(integration_id: IntegrationId, *, by: str) -> None:
        await mark_deleting(integration_id, by=by)
        await house.engine.upkeep.reconcile()

    monkeypatch.setattr(house.engine.registry, "mark_deleting", marked_and_swept)
    assert await house.engine.upkeep.delete(acme, discard=True, by="test") == 3

    assert await house.engine.registry.find_record(acme) is None


async def test_a_sweep_does_not_mind_what_is_deleted_under_its_hands(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await house.engine.connect(house.new)
    await house.engine.providers.create(Provider("other", "Another"), by="test")
    bolt = await house.engine.registry.create(
        "ACME", replace(house.new, provider="other"), by="test"
    )
    await house.engine.registry.mark_deleting(acme, by="test")
    remove = house.engine.registry.remove

    async def removed_twice(integration_id: IntegrationId, *, by: str) -> None:
        await remove(integration_id, by="another sweep")
        await remove(integration_id, by=by)

    monkeypatch.setattr(house.engine.registry, "remove", removed_twice)
    await house.engine.upkeep.reconcile()

    assert await house.engine.registry.find_record(acme) is None
    taken = await house.engine.intake.accept(bolt.id, [a_statement()])
    assert taken.accepted == (a_statement().id,)


async def let_the_minute_pass(engine: Engine, integration_id: IntegrationId) -> None:
    """Let Redis forget that the integration was retired, which it does after a minute."""
    await engine.redis.delete(Keys(integration_id).state)
