"""Deliveries live through everything that a real authorization server does to their tokens.

The LRS asks that server about every token, so that a token is worth what the server says it is.
"""

from dataclasses import replace

import pytest

from delivery.facts.integration import TokenAuth
from delivery.facts.status import Status
from hub.registry.parties.integrations import NewIntegration
from hub.registry.parties.providers import Provider
from tests.conformance.engine import Engine, open_engine
from tests.conformance.issuer import Issuer
from tests.conformance.running_ralph import Ralph
from tests.fakes.contacts import FakeContacts
from tests.fakes.statements import a_statement, ids, statements
from tests.fakes.token_server import Client

pytestmark = pytest.mark.asyncio(loop_scope="session")

LMS = Provider("lms", "An LMS")


@pytest.fixture(autouse=True)
def fresh(issuer: Issuer) -> None:
    """Let the count of tokens begin anew."""
    issuer.revoke_all()
    issuer.issued.access_tokens.clear()
    issuer.issued.scopes.clear()
    issuer.tokens.clear()


@pytest.mark.parametrize(
    ("way", "method"),
    [(TokenAuth.BASIC, "client_secret_basic"), (TokenAuth.BODY, "client_secret_post")],
)
async def test_a_client_proves_itself_as_its_provider_says(
    to_ralph: Engine,
    ralph: Ralph,
    issuer: Issuer,
    new: NewIntegration,
    way: TokenAuth,
    method: str,
) -> None:
    secret = "s3cr:et/+ ü&=%41"
    issuer.clients["hub"] = Client("hub", secret, method)
    await to_ralph.furnish(replace(LMS, token_auth=way))
    acme = await to_ralph.connect(replace(new, client_secret=secret))
    statement = a_statement(8000 + len(method))

    await to_ralph.post(acme, statement)

    assert ralph.ids()[-1] == statement.id
    assert issuer.issued.scopes == ["statements/write"]


async def test_one_token_serves_until_shortly_before_its_end(
    to_ralph: Engine, ralph: Ralph, issuer: Issuer, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(new)
    posted = statements(4, start=8100)

    for statement in posted:
        await to_ralph.post(acme, statement)
        await to_ralph.run(minutes=29)

    assert ralph.ids()[-4:] == ids(posted)
    assert len(issuer.issued.access_tokens) == 2
    attempts, _ = await to_ralph.control.attempts(acme)
    assert {attempt.status for attempt in attempts} == {200}


async def test_a_revoked_token_is_replaced_and_nobody_is_told(
    to_ralph: Engine,
    ralph: Ralph,
    issuer: Issuer,
    new: NewIntegration,
    contacts: FakeContacts,
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(new)
    posted = statements(6, start=8200)
    await to_ralph.post(acme, *posted[:3])

    issuer.revoke_all()
    await to_ralph.post(acme, *posted[3:])

    assert ralph.ids()[-6:] == ids(posted)
    assert len(issuer.issued.access_tokens) == 2
    assert (await to_ralph.health(acme)).status is Status.FLOWING
    assert contacts.letters == []


async def test_a_wrong_secret_waits_for_the_right_one(
    to_ralph: Engine,
    ralph: Ralph,
    issuer: Issuer,
    new: NewIntegration,
    contacts: FakeContacts,
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(replace(new, client_secret="not-the-secret"))
    posted = statements(10, start=8300)
    await to_ralph.post(acme, *posted)
    await to_ralph.run(hours=48)
    health = await to_ralph.health(acme)
    assert health.status is Status.REFUSED
    assert health.reason is not None
    assert "invalid_client" in health.reason
    assert "not-the-secret" not in health.reason
    assert len((await to_ralph.control.attempts(acme))[0]) == 1
    assert len(contacts.letters) == 1

    await to_ralph.change(acme, client_secret="first-secret")

    assert ralph.ids()[-10:] == ids(posted)
    assert (await to_ralph.health(acme)).status is Status.FLOWING


async def test_a_secret_that_was_changed_over_there_waits_for_the_new_one(
    to_ralph: Engine, ralph: Ralph, issuer: Issuer, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(new)
    posted = statements(6, start=8400)
    await to_ralph.post(acme, *posted[:3])

    issuer.clients["hub"] = Client("hub", "second-secret")
    issuer.revoke_all()
    await to_ralph.post(acme, *posted[3:])
    assert (await to_ralph.health(acme)).status is Status.REFUSED
    await to_ralph.change(acme, client_secret="second-secret")

    assert ralph.ids()[-6:] == ids(posted)


async def test_a_scope_that_the_lrs_does_not_accept_waits_for_another(
    to_ralph: Engine, ralph: Ralph, issuer: Issuer, new: NewIntegration
) -> None:
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(replace(new, scope="statements/read"))
    posted = statements(3, start=8500)
    await to_ralph.post(acme, *posted)
    assert (await to_ralph.health(acme)).status is Status.REFUSED
    assert len(issuer.issued.access_tokens) == 2

    await to_ralph.change(acme, scope="statements/write")

    assert ralph.ids()[-3:] == ids(posted)


async def test_rotating_refresh_tokens_are_kept_in_sql_over_restarts(
    to_ralph: Engine,
    ralph: Ralph,
    issuer: Issuer,
    new: NewIntegration,
    contacts: FakeContacts,
    empty_valkey_url: str,
    sqlite_url: str,
) -> None:
    issuer.refresh_tokens = {"first-refresh": "hub"}
    await to_ralph.furnish(LMS)
    acme = await to_ralph.connect(replace(new, refresh_token="first-refresh"))
    posted = statements(4, start=8600)
    for statement in posted[:3]:
        await to_ralph.post(acme, statement)
        await to_ralph.run(hours=2)

    async with open_engine(empty_valkey_url, sqlite_url, contacts, issuer.clock) as restarted:
        await restarted.post(acme, posted[3])
        kept = await restarted.registry.find(acme)

    assert ralph.ids()[-4:] == ids(posted)
    assert kept is not None
    assert list(issuer.refresh_tokens) == [kept.credentials.refresh_token]
    assert kept.version == 1
    assert (await to_ralph.parked(acme)) == []
