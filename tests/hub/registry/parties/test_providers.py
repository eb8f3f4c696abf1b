"""Providers: their rules, and what a change of them does to their integrations."""

from dataclasses import replace

import pytest

from delivery.facts.integration import IntegrationId, TokenAuth
from hub.errors import ProviderExists, ProviderInUse, UnknownProvider
from hub.registry.parties.integrations import IntegrationRegistry
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, ProviderChanges, Providers, ProviderStatus
from hub.xapi.rules import ActorId, ObjectId, Rules
from tests.hub.registry.examples import NEW, an_integration
from tests.hub.registry.moved_clock import MovedClock

FULL = Provider(
    "degreed",
    "Degreed",
    status=ProviderStatus.DISABLED,
    object_id=ObjectId.UUID,
    object_id_template="urn:uuid:{id}",
    actor_id=ActorId.SSO,
    account_home_page="https://sso.example.com",
    verbs=("completed", "progressed"),
    xapi_version="2.0.0",
    batch_size=50,
    concurrency=4,
    token_auth=TokenAuth.BODY,
    scope="xapi:write",
    token_parameters={"audience": "lrs"},
)


@pytest.mark.parametrize("provider", [FULL, Provider("plain", "Plain")], ids=["full", "plain"])
async def test_what_was_created_is_found(providers: Providers, provider: Provider) -> None:
    created = await providers.create(provider, by="test")

    assert created == provider
    assert await providers.find(provider.id) == provider


async def test_a_provider_tells_the_rules_of_its_statements() -> None:
    assert FULL.rules == Rules(
        actor_id=ActorId.SSO,
        object_id=ObjectId.UUID,
        account_home_page="https://sso.example.com",
        object_id_template="urn:uuid:{id}",
        verbs=("completed", "progressed"),
        xapi_version="2.0.0",
    )


async def test_nothing_is_found_under_an_unknown_id(providers: Providers) -> None:
    assert await providers.find("none") is None


async def test_an_id_is_given_once(providers: Providers) -> None:
    await providers.create(FULL, by="test")

    with pytest.raises(ProviderExists, match="provider degreed exists"):
        await providers.create(replace(FULL, name="Other"), by="test")


async def test_providers_are_listed_by_id_in_pages(providers: Providers) -> None:
    for provider_id in ("c", "a", "b"):
        await providers.create(Provider(provider_id, provider_id), by="test")

    first = await providers.list(limit=2)
    second = await providers.list(limit=2, cursor=first.next)

    assert [provider.id for provider in first.items] == ["a", "b"]
    assert [provider.id for provider in second.items] == ["c"]
    assert second.next is None


async def test_only_what_is_given_changes(providers: Providers) -> None:
    await providers.create(FULL, by="test")
    changes = ProviderChanges(status=ProviderStatus.ACTIVE, scope=None, verbs=("completed",))

    change = await providers.change("degreed", changes, by="test")

    assert change.provider == replace(FULL, **changes)
    assert await providers.find("degreed") == change.provider


async def test_what_is_not_there_cannot_be_changed_or_removed(providers: Providers) -> None:
    with pytest.raises(UnknownProvider):
        await providers.change("none", ProviderChanges(name="B"), by="test")
    with pytest.raises(UnknownProvider):
        await providers.remove("none", by="test")


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        (ProviderChanges(name="Other"), 1),
        (ProviderChanges(batch_size=20), 1),
        (ProviderChanges(xapi_version="2.0.0"), 1),
        (ProviderChanges(scope="xapi:write"), 2),
        (ProviderChanges(token_auth=TokenAuth.BODY), 2),
        (ProviderChanges(token_parameters={"audience": "lrs"}), 2),
    ],
    ids=["name", "batch size", "xapi version", "scope", "token auth", "token parameters"],
)
async def test_a_change_reaches_every_integration_of_the_provider(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    clock: MovedClock,
    changes: ProviderChanges,
    version: int,
) -> None:
    first = await an_integration(programs, providers, integrations)
    await programs.create("OTHER", "Other", by="test")
    second = await integrations.create("OTHER", NEW, by="test")
    await providers.create(Provider("another", "Another"), by="test")
    bystander = await integrations.create("ACME", replace(NEW, provider="another"), by="test")
    clock.move(60)

    change = await providers.change("workday", changes, by="test")

    assert set(change.touched) == {first.id, second.id}
    for touched in (first, second):
        after = await integrations.find_record(touched.id)
        assert after is not None
        assert (after.version, after.revision, after.updated_at) == (version, 2, clock.now)
    assert await integrations.find_record(bystander.id) == bystander


async def test_a_change_of_scope_spares_the_version_where_the_scope_is_its_own(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)
    await integrations.change(created.id, {"scope": "own"}, by="test")

    await providers.change("workday", ProviderChanges(scope="other"), by="test")

    after = await integrations.find_record(created.id)
    assert after is not None
    assert (after.version, after.revision) == (2, 3)


async def test_a_change_of_nothing_touches_nothing(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)

    change = await providers.change("workday", ProviderChanges(name="Workday"), by="test")

    assert change.touched == ()
    assert await integrations.find_record(created.id) == created


async def test_a_provider_in_use_cannot_be_removed(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> None:
    created = await an_integration(programs, providers, integrations)

    with pytest.raises(ProviderInUse, match="provider workday has integrations"):
        await providers.remove("workday", by="test")

    assert await providers.find("workday") is not None
    await integrations.remove(IntegrationId(created.id), by="test")
    await providers.remove("workday", by="test")
    assert await providers.find("workday") is None
