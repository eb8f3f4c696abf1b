"""Trying an integration over HTTP, against a sandbox on loopback."""

from collections.abc import AsyncIterator

import pytest

from config.sandbox.server import Addresses, listening
from config.sandbox.state import Sandbox
from hub.registry.integration_records import NewIntegration
from tests.hub.api.conftest import Hub, errors_of


@pytest.fixture
def sandbox(hub: Hub) -> Sandbox:
    return Sandbox(hub.clock)


@pytest.fixture
async def addresses(sandbox: Sandbox) -> AsyncIterator[Addresses]:
    async with listening(sandbox, smtp_port=None) as at:
        yield at


@pytest.fixture
async def path(hub: Hub, addresses: Addresses) -> str:
    """Make an integration to the sandbox; where it is rehearsed."""
    new = NewIntegration(
        name="To the sandbox",
        provider="lms",
        technical_emails=("ops@example.org",),
        statement_url=addresses.statement_url,
        authentication_url=addresses.authentication_url,
        client_id="sandbox",
        client_secret="sandbox-secret",
    )
    record = await hub.house.integrations.create("ACME", new, by="test")
    return f"/api/integrations/{record.id}/test"


async def test_a_rehearsal_shows_every_step_and_the_answer(
    hub: Hub, sandbox: Sandbox, path: str
) -> None:
    answer = await hub.acme.post(path)
    again = await hub.acme.post(path)

    shown = answer.json()
    assert [(step["name"], step["ok"]) for step in shown["steps"]] == [
        ("resolve", True),
        ("connect", True),
        ("token", True),
        ("statement", True),
    ]
    assert shown["response"]["status"] == 200
    assert sandbox.lrs.holds(shown["statement"]["id"])
    assert again.json()["statement"]["id"] != shown["statement"]["id"]
    assert "sandbox-secret" not in answer.text


async def test_a_rehearsal_says_what_the_caller_wants_said(
    hub: Hub, sandbox: Sandbox, path: str
) -> None:
    overrides = {"actor": {"mbox": "mailto:ben@example.org"}, "result": {"success": True}}

    answer = await hub.acme.post(path, json={"statement": overrides})

    statement = answer.json()["statement"]
    assert statement.items() >= overrides.items()
    assert sandbox.lrs.held == 1


async def test_a_rehearsal_shows_where_it_failed(hub: Hub, sandbox: Sandbox, path: str) -> None:
    sandbox.change({"clients": {"sandbox": "another"}})

    answer = await hub.acme.post(path, json={})

    shown = answer.json()
    assert answer.status_code == 200
    assert shown["steps"][-1]["name"] == "token"
    assert shown["steps"][-1]["ok"] is False
    assert shown["response"]["status"] == 401
    assert sandbox.lrs.attempts == 0


async def test_a_statement_that_cannot_be_is_not_sent(
    hub: Hub, sandbox: Sandbox, path: str
) -> None:
    answer = await hub.acme.post(path, json={"statement": {"verb": {"id": "completed"}}})

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {"/statement/verb/id"}
    assert sandbox.lrs.attempts == 0


async def test_who_may_only_read_sends_nothing(hub: Hub, sandbox: Sandbox, path: str) -> None:
    answer = await hub.reader.post(path)

    assert answer.status_code == 403
    assert sandbox.lrs.attempts == 0
