"""Integrations: made once per program and provider, changed by version and revision."""

import asyncio
from dataclasses import replace

import pytest

from delivery.facts.errors import UnknownIntegration
from delivery.facts.integration import IntegrationId, Integrations, TokenAuth
from hub.errors import (
    IntegrationExists,
    RevisionMismatch,
    UnknownProgram,
    UnknownProvider,
    UnknownSecretKey,
)
from hub.registry.parties.integrations import IntegrationChanges, IntegrationRegistry
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, Providers
from hub.registry.sql.database import Database
from hub.registry.trust.vault import Vault
from tests.hub.registry.examples import NEW, a_program_and_provider, an_integration, new_for
from tests.hub.registry.moved_clock import MovedClock

NOWHERE = IntegrationId("00000000-0000-4000-8000-000000000000")


async def test_what_was_created_is_found_without_its_secrets(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    clock: MovedClock,
) -> None:
    created = await an_integration(programs, providers, integrations)

    found = await integrations.find_record(created.id)

    assert found == created
    assert (created.version, created.revision) == (1, 1)
    assert created.created_at == created.updated_at == clock.now
    assert created.has_client_secret
    assert created.has_refresh_token
    assert "first-secret" not in repr(created)
    assert "first-secret" not in repr(NEW)


async def test_delivery_finds_an_integration_with_its_secrets_opened(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    seen_by_delivery: Integrations = integrations

    found = await seen_by_delivery.find(created.id)

    assert found is not None
    assert found.program_id == "ACME"
    assert found.technical_emails == ("ops@example.com",)
    assert found.credentials.client_secret == "first-secret"
    assert found.credentials.refresh_token == "first-refresh"
    assert "first" not in repr(found)


async def test_what_an_integration_leaves_open_its_provider_decides(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    await programs.create("ACME", "Acme", by="test")
    generous = Provider(
        "workday",
        "Workday",
        batch_size=50,
        concurrency=4,
        scope="xapi:write",
        token_auth=TokenAuth.BODY,
        token_parameters={"audience": "lrs"},
        xapi_version="2.0.0",
    )
    await providers.create(generous, by="test")
    open_one = await integrations.create("ACME", NEW, by="test")

    found = await integrations.find(open_one.id)

    assert found is not None
    assert (found.batch_size, found.concurrency, found.xapi_version) == (50, 4, "2.0.0")
    assert found.credentials.scope == "xapi:write"
    assert found.credentials.token_auth is TokenAuth.BODY
    assert found.credentials.token_parameters == {"audience": "lrs"}


async def test_what_an_integration_says_itself_goes_before_its_provider(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    await programs.create("ACME", "Acme", by="test")
    await providers.create(
        Provider("workday", "Workday", batch_size=50, concurrency=4, scope="a"), by="test"
    )
    own = replace(NEW, batch_size=2, concurrency=1, scope="b")
    created = await integrations.create("ACME", own, by="test")

    found = await integrations.find(created.id)

    assert found is not None
    assert (found.batch_size, found.concurrency, found.credentials.scope) == (2, 1, "b")


async def test_nothing_is_found_under_an_unknown_id(integrations: IntegrationRegistry) -> None:
    assert await integrations.find(NOWHERE) is None
    assert await integrations.find_record(NOWHERE) is None


async def test_a_program_is_connected_to_a_provider_once(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    await an_integration(programs, providers, integrations)

    with pytest.raises(IntegrationExists, match="ACME is connected to workday"):
        await integrations.create("ACME", NEW, by="test")


async def test_of_two_who_create_the_same_at_once_one_wins(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    await a_program_and_provider(programs, providers)

    outcomes = await asyncio.gather(
        *(integrations.create("ACME", NEW, by="test") for _ in range(5)), return_exceptions=True
    )

    losers = [outcome for outcome in outcomes if isinstance(outcome, IntegrationExists)]
    assert len(losers) == 4
    assert len((await integrations.list({"ACME"})).items) == 1


async def test_an_integration_needs_a_program_and_a_provider(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    await a_program_and_provider(programs, providers)

    with pytest.raises(UnknownProgram, match="no program NONE"):
        await integrations.create("NONE", NEW, by="test")
    with pytest.raises(UnknownProvider, match="no provider none"):
        await integrations.create("ACME", new_for("none"), by="test")


@pytest.mark.parametrize(
    "changes",
    [
        IntegrationChanges(statement_url="https://other.example.com/statements"),
        IntegrationChanges(authentication_url="https://other.example.com/token"),
        IntegrationChanges(client_id="client-2"),
        IntegrationChanges(client_secret="second-secret"),
        IntegrationChanges(refresh_token="second-refresh"),
        IntegrationChanges(refresh_token=None),
        IntegrationChanges(scope="xapi:write"),
    ],
    ids=lambda changes: "-".join(f"{k}={v}" for k, v in changes.items()),
)
async def test_a_change_of_address_or_credentials_raises_version_and_revision(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    clock: MovedClock,
    changes: IntegrationChanges,
) -> None:
    created = await an_integration(programs, providers, integrations)
    clock.move(60)

    changed = await integrations.change(created.id, changes, by="test")

    assert (changed.version, changed.revision) == (2, 2)
    assert changed.updated_at == clock.now
    assert changed == await integrations.find_record(created.id)


@pytest.mark.parametrize(
    "changes",
    [
        IntegrationChanges(name="Other LMS"),
        IntegrationChanges(technical_emails=("a@example.com", "b@example.com")),
        IntegrationChanges(batch_size=20),
        IntegrationChanges(concurrency=3),
        IntegrationChanges(enabled=False),
    ],
    ids=lambda changes: "-".join(f"{k}={v}" for k, v in changes.items()),
)
async def test_any_other_change_raises_the_revision_alone(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    changes: IntegrationChanges,
) -> None:
    created = await an_integration(programs, providers, integrations)

    changed = await integrations.change(created.id, changes, by="test")

    assert (changed.version, changed.revision) == (1, 2)
    for name, value in changes.items():
        assert getattr(changed, name) == value


@pytest.mark.parametrize(
    "changes",
    [
        IntegrationChanges(),
        IntegrationChanges(name="Main LMS", technical_emails=("ops@example.com",), enabled=True),
        IntegrationChanges(client_id="", client_secret=" ", refresh_token=""),
        IntegrationChanges(client_id="client-1", client_secret="first-secret"),
        IntegrationChanges(scope=None, batch_size=None),
    ],
    ids=["empty", "same", "blank", "same credentials", "same defaults"],
)
async def test_a_change_of_nothing_raises_nothing(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    clock: MovedClock,
    changes: IntegrationChanges,
) -> None:
    created = await an_integration(programs, providers, integrations)
    clock.move(60)

    changed = await integrations.change(created.id, changes, by="test")

    assert changed == created
    found = await integrations.find(created.id)
    assert found is not None
    assert found.credentials.client_secret == "first-secret"
    assert found.credentials.refresh_token == "first-refresh"


async def test_new_credentials_are_what_delivery_finds(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    changes = IntegrationChanges(client_secret="second-secret", refresh_token=None)

    await integrations.change(created.id, changes, by="test")

    found = await integrations.find(created.id)
    assert found is not None
    assert found.version == 2
    assert found.credentials.client_secret == "second-secret"
    assert found.credentials.refresh_token is None


async def test_a_change_that_expects_an_older_revision_changes_nothing(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    await integrations.change(created.id, {"name": "B"}, by="test", expected_revision=1)

    with pytest.raises(RevisionMismatch, match="at revision 2, not 1") as mismatch:
        await integrations.change(created.id, {"name": "C"}, by="test", expected_revision=1)

    assert mismatch.value.revision == 2
    found = await integrations.find_record(created.id)
    assert found is not None
    assert found.name == "B"


async def test_changes_at_once_all_count(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)

    await asyncio.gather(
        *(integrations.change(created.id, {"name": f"LMS {n}"}, by="test") for n in range(10))
    )

    found = await integrations.find_record(created.id)
    assert found is not None
    assert found.revision == 11


async def test_what_is_not_there_cannot_be_changed(integrations: IntegrationRegistry) -> None:
    with pytest.raises(UnknownIntegration):
        await integrations.change(NOWHERE, {"name": "B"}, by="test")
    with pytest.raises(UnknownIntegration):
        await integrations.mark_deleting(NOWHERE, by="test")
    with pytest.raises(UnknownIntegration):
        await integrations.remove(NOWHERE, by="test")


async def test_a_rotated_refresh_token_raises_the_revision_alone(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    before = await integrations.find(created.id)
    assert before is not None

    await integrations.keep_refresh_token(before, "rotated")

    after = await integrations.find(created.id)
    assert after is not None
    assert (after.version, after.revision) == (1, 2)
    assert after.credentials.refresh_token == "rotated"


async def test_a_token_rotated_for_older_credentials_is_dropped(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    before = await integrations.find(created.id)
    assert before is not None
    await integrations.change(created.id, {"refresh_token": "set by hand"}, by="test")

    await integrations.keep_refresh_token(before, "rotated")

    after = await integrations.find(created.id)
    assert after is not None
    assert after.revision == 2
    assert after.credentials.refresh_token == "set by hand"


async def test_a_token_rotated_for_a_deleted_integration_is_dropped(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    before = await integrations.find(created.id)
    assert before is not None
    await integrations.remove(created.id, by="test")

    await integrations.keep_refresh_token(before, "rotated")

    assert await integrations.find(created.id) is None


async def test_an_integration_being_deleted_is_hidden_from_delivery_and_lists(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    clock: MovedClock,
) -> None:
    created = await an_integration(programs, providers, integrations)

    marked = await integrations.mark_deleting(created.id, by="test")
    again = await integrations.mark_deleting(created.id, by="test")

    assert marked.deleting_at == clock.now
    assert again == marked
    assert (marked.version, marked.revision) == (1, 2)
    assert await integrations.find(created.id) is None
    assert await integrations.find_record(created.id) == marked
    assert (await integrations.list({"ACME"})).items == ()
    assert [mark.deleting for mark in (await integrations.list_all()).items] == [True]
    with pytest.raises(UnknownIntegration, match="being deleted"):
        await integrations.change(created.id, {"name": "B"}, by="test")


async def test_what_was_removed_makes_room_for_another(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    await integrations.mark_deleting(created.id, by="test")

    await integrations.remove(created.id, by="test")

    assert await integrations.find_record(created.id) is None
    another = await integrations.create("ACME", NEW, by="test")
    assert another.id != created.id


async def test_a_program_lists_its_own_integrations_in_pages_oldest_first(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    clock: MovedClock,
) -> None:
    await programs.create("ACME", "Acme", by="test")
    await programs.create("OTHER", "Other", by="test")
    names = ["e", "d", "c", "b", "a"]
    for name in names:
        await providers.create(Provider(name, name), by="test")
        await integrations.create("ACME", new_for(name), by="test")
        clock.move(1)
    await integrations.create("OTHER", new_for("a"), by="test")

    first = await integrations.list({"ACME"}, limit=2)
    second = await integrations.list({"ACME"}, limit=2, cursor=first.next)
    third = await integrations.list({"ACME"}, limit=2, cursor=second.next)

    pages = (first, second, third)
    assert [found.provider for page in pages for found in page.items] == names
    assert third.next is None


async def test_a_sweep_sees_every_integration_once(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    await programs.create("ACME", "Acme", by="test")
    created = set()
    for name in "abcde":
        await providers.create(Provider(name, name), by="test")
        created.add((await integrations.create("ACME", new_for(name), by="test")).id)

    seen, cursor = [], None
    while True:
        page = await integrations.list_all(cursor=cursor, limit=2)
        seen += [mark.id for mark in page.items]
        cursor = page.next
        if cursor is None:
            break

    assert seen == sorted(created)


async def test_without_the_key_a_secret_stays_shut_but_can_be_set_anew(
    database: Database,
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    clock: MovedClock,
) -> None:
    created = await an_integration(programs, providers, integrations)
    other = IntegrationRegistry(database, Vault([b"o" * 32]), clock)

    with pytest.raises(UnknownSecretKey, match=f"integrations/{created.id}/client_secret"):
        await other.find(created.id)

    anew = IntegrationChanges(client_secret="first-secret", refresh_token=None)
    changed = await other.change(created.id, anew, by="test")
    found = await other.find(created.id)
    assert changed.version == 2
    assert found is not None
    assert found.credentials.client_secret == "first-secret"
