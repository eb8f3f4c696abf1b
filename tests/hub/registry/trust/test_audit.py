"""The audit: every change, by whom and when, and never a secret."""

from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from delivery.facts.integration import TokenAuth
from hub.errors import BadCursor, IntegrationExists, ProviderInUse
from hub.registry.parties.caller import Right
from hub.registry.parties.integrations import IntegrationChanges, IntegrationRegistry
from hub.registry.parties.keys import Keys
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, Providers
from hub.registry.trust.audit import Audit
from tests.hub.registry.examples import NEW, an_integration
from tests.hub.registry.moved_clock import MovedClock


async def last(audit: Audit) -> tuple[str, str, str, str, Mapping[str, JsonValue]]:
    entry = (await audit.list(limit=1)).items[0]
    return entry.by, entry.action, entry.kind, entry.subject, entry.changes


async def test_a_change_of_an_integration_is_told_with_before_and_after(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    audit: Audit,
    clock: MovedClock,
) -> None:
    created = await an_integration(programs, providers, integrations)
    clock.move(60)
    changes = IntegrationChanges(name="B", client_secret="second-secret")

    await integrations.change(created.id, changes, by="alice (key 1)")

    entry = (await audit.list(limit=1)).items[0]
    assert (entry.at, entry.by, entry.action) == (clock.now, "alice (key 1)", "changed")
    assert (entry.kind, entry.subject, entry.program_id) == ("integration", created.id, "ACME")
    assert entry.changes == {
        "name": {"before": "Main LMS", "after": "B"},
        "version": {"before": 1, "after": 2},
        "revision": {"before": 1, "after": 2},
        "client_secret": "changed",
    }


async def test_the_life_of_an_integration_is_told_from_creation_to_removal(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry, audit: Audit
) -> None:
    created = await an_integration(programs, providers, integrations)
    before = await integrations.find(created.id)
    assert before is not None
    await integrations.keep_refresh_token(before, "rotated")
    await integrations.mark_deleting(created.id, by="bob")
    await integrations.mark_deleting(created.id, by="bob")
    await integrations.remove(created.id, by="bob")

    told = (await audit.list(kind="integration", subject=created.id)).items

    assert [(entry.by, entry.action) for entry in reversed(told)] == [
        ("test", "created"),
        ("hub", "changed"),
        ("bob", "deleting"),
        ("bob", "deleted"),
    ]
    assert told[3].changes["statement_url"] == {"before": None, "after": NEW.statement_url}
    assert told[0].changes["name"] == {"before": "Main LMS", "after": None}


async def test_programs_providers_and_keys_are_told_too(
    programs: Programs, providers: Providers, keys: Keys, audit: Audit
) -> None:
    await programs.create("ACME", "Acme", lb_api_key="lb-secret", by="a")
    assert (await last(audit))[:4] == ("a", "created", "program", "ACME")
    await programs.change("ACME", {"lb_api_key": "new-secret"}, by="b")
    assert await last(audit) == ("b", "changed", "program", "ACME", {"lb_api_key": "changed"})

    await providers.create(Provider("p", "P"), by="c")
    assert (await last(audit))[:4] == ("c", "created", "provider", "p")
    await providers.change("p", {"token_auth": TokenAuth.BODY, "verbs": ("a", "b")}, by="d")
    changed = {
        "token_auth": {"before": "basic", "after": "body"},
        "verbs": {"before": ["completed"], "after": ["a", "b"]},
    }
    assert await last(audit) == ("d", "changed", "provider", "p", changed)
    await providers.remove("p", by="e")
    assert (await last(audit))[:4] == ("e", "deleted", "provider", "p")

    made = await keys.create("alice", rights={"ACME": Right.WRITE}, by="f")
    by, action, kind, subject, changes = await last(audit)
    assert (by, action, kind, subject) == ("f", "created", "key", made.record.id)
    assert changes["rights"] == {"before": None, "after": {"ACME": "write"}}
    await keys.revoke(made.record.id, by="g")
    await keys.revoke(made.record.id, by="h")
    assert (await last(audit))[:4] == ("g", "revoked", "key", made.record.id)


async def test_no_secret_ever_gets_into_the_audit(
    programs: Programs,
    providers: Providers,
    integrations: IntegrationRegistry,
    keys: Keys,
    audit: Audit,
) -> None:
    created = await an_integration(programs, providers, integrations)
    with_password = "https://user:url-secret@lrs.example.com/statements"
    await integrations.change(
        created.id,
        {"client_secret": "second-secret", "refresh_token": "r2", "statement_url": with_password},
        by="test",
    )
    await programs.create("OTHER", "Other", lb_api_key="lb-secret", by="test")
    made = await keys.create("alice", by="test")

    told = repr((await audit.list()).items)

    secrets = ["first-secret", "first-refresh", "second-secret", "r2", "url-secret", "lb-secret"]
    assert [secret for secret in secrets if secret in told] == []
    assert made.api_key.partition(".")[2] not in told
    assert "https://***@lrs.example.com/statements" in told


async def test_what_changes_nothing_or_fails_is_not_told(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry, audit: Audit
) -> None:
    created = await an_integration(programs, providers, integrations)
    before = (await audit.list()).items

    await integrations.change(created.id, {"name": NEW.name}, by="test")
    await programs.change("ACME", {"name": "Acme"}, by="test")
    await providers.change("workday", {"name": "Workday"}, by="test")
    with pytest.raises(IntegrationExists):
        await integrations.create("ACME", NEW, by="test")
    with pytest.raises(ProviderInUse):
        await providers.remove("workday", by="test")

    assert (await audit.list()).items == before


async def test_entries_are_listed_newest_first_in_pages_and_by_filter(
    programs: Programs, audit: Audit
) -> None:
    for program in ("A", "B", "C"):
        await programs.create(program, program, by="test")

    first = await audit.list(limit=2)
    second = await audit.list(limit=2, cursor=first.next)
    only_b = await audit.list(program_id="B")
    no_keys = await audit.list(kind="key")

    assert [entry.subject for entry in first.items + second.items] == ["C", "B", "A"]
    assert [entry.subject for entry in only_b.items] == ["B"]
    assert no_keys.items == ()


@pytest.mark.parametrize("cursor", ["WyJhIl0", "WzEuNV0", "Wy0xXQ", "W3RydWVd"])
async def test_a_cursor_of_another_list_is_refused(audit: Audit, cursor: str) -> None:
    with pytest.raises(BadCursor, match="belongs to another list"):
        await audit.list(cursor=cursor)


@pytest.mark.parametrize("cursor", ["WyJub29uIiwgImEiXQ", "WyIyMDI2LTAxLTAxIiwgImEiXQ"])
async def test_a_cursor_with_a_broken_moment_is_refused(keys: Keys, cursor: str) -> None:
    with pytest.raises(BadCursor, match="is not one of ours"):
        await keys.list(cursor=cursor)
