"""Trying an integration over HTTP, against a sandbox on loopback."""

from ipaddress import IPv4Network

import pytest

from config.sandbox.server import Addresses
from config.sandbox.state import Sandbox
from hub.api.rehearsals import BURST
from hub.registry.parties.integration_records import NewIntegration
from tests.hub.api.conftest import LOOPBACK, Hub, errors_of

NEW = "/api/programs/ACME/integrations/test"


@pytest.fixture
def allowed() -> list[IPv4Network]:
    return [LOOPBACK]


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


async def test_a_step_that_failed_says_what_to_do(hub: Hub, sandbox: Sandbox, path: str) -> None:
    sandbox.change({"clients": {"sandbox": "another"}})

    *good, failed = (await hub.acme.post(path)).json()["steps"]

    assert [step["hint"] for step in good] == [None, None]
    assert "Client Secret or Authentication URL may be incorrect" in failed["hint"]


def an_integration_to(addresses: Addresses, **fields: object) -> dict[str, object]:
    return {
        "name": "Not there yet",
        "provider": "lms",
        "technicalEmails": "ops@example.org",
        "statementUrl": addresses.statement_url,
        "authenticationUrl": addresses.authentication_url,
        "clientId": "sandbox",
        "clientSecret": "sandbox-secret",
        **fields,
    }


async def test_an_integration_is_tried_before_it_is_made(
    hub: Hub, sandbox: Sandbox, addresses: Addresses
) -> None:
    new = {"integration": an_integration_to(addresses), "statement": {"result": {"success": True}}}

    answer = await hub.acme.post(NEW, json=new)

    assert [step["ok"] for step in answer.json()["steps"]] == [True] * 4, answer.text
    assert answer.json()["statement"]["result"] == {"success": True}
    assert sandbox.lrs.held == 1
    assert (await hub.acme.get("/api/programs/ACME/integrations")).json()["items"] == []
    assert await hub.house.control.store.ask(("KEYS", "*")) == [[]]
    assert "sandbox-secret" not in answer.text


async def test_the_statement_that_is_made_up_can_be_seen_before(
    hub: Hub, sandbox: Sandbox, path: str
) -> None:
    shown = (await hub.reader.get(path)).json()["statement"]

    assert shown["actor"] == {"mbox": "mailto:learner@example.org"}
    assert "id" not in shown
    assert sandbox.lrs.attempts == 0


async def test_changes_are_tried_before_they_are_saved(
    hub: Hub, sandbox: Sandbox, path: str
) -> None:
    before = (await hub.acme.get(path.removesuffix("/test"))).json()

    async def last(**changes: str) -> bool:
        answer = await hub.acme.post(path, json={"changes": changes})
        return bool(answer.json()["steps"][-1]["ok"])

    assert await last(clientSecret="wrong") is False
    assert await last(clientSecret="", name="Only a name") is True
    sandbox.change({"clients": {"sandbox": "new-secret"}})
    assert await last(clientSecret="new-secret") is True
    assert (await hub.acme.get(path.removesuffix("/test"))).json() == before


async def test_what_is_wrong_with_it_is_told_by_its_field(hub: Hub, addresses: Addresses) -> None:
    private = {"integration": an_integration_to(addresses, statementUrl="https://10.0.0.1/x")}
    unknown = {"integration": an_integration_to(addresses, provider="nobody")}
    missing = {"integration": {"name": "x"}}

    assert "/integration/statementUrl" in errors_of(await hub.acme.post(NEW, json=private))
    assert "/integration/clientSecret" in errors_of(await hub.acme.post(NEW, json=missing))
    assert errors_of(await hub.acme.post(NEW, json=unknown)).keys() == {"/integration/provider"}


async def test_a_refresh_token_is_not_used_up_before_it_is_kept(
    hub: Hub, sandbox: Sandbox, addresses: Addresses, path: str
) -> None:
    new = {"integration": an_integration_to(addresses, refreshToken="once")}

    answer = await hub.acme.post(NEW, json=new)
    change = await hub.acme.post(path, json={"changes": {"refreshToken": "once"}})

    assert "used up" in errors_of(answer)["/integration/refreshToken"]
    assert "used up" in errors_of(change)["/changes/refreshToken"]
    assert sandbox.lrs.attempts == 0


async def test_nobody_tries_many_addresses_quickly(hub: Hub, path: str) -> None:
    answers = [await hub.acme.post(path) for _ in range(BURST + 1)]

    assert {one.status_code for one in answers[:-1]} == {200}
    assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (429, "2")
    assert (await hub.system.post(path)).status_code == 200
    hub.clock.move(seconds=2)
    assert (await hub.acme.post(path)).status_code == 200


async def test_a_statement_that_cannot_be_is_not_sent(
    hub: Hub, sandbox: Sandbox, path: str
) -> None:
    answer = await hub.acme.post(path, json={"statement": {"verb": {"id": "completed"}}})

    assert answer.status_code == 422
    assert errors_of(answer).keys() == {"/statement/verb/id"}
    assert sandbox.lrs.attempts == 0


async def test_who_may_only_read_sends_nothing(hub: Hub, sandbox: Sandbox, path: str) -> None:
    answer = await hub.reader.post(path)
    new = await hub.reader.post(NEW, json={})

    assert (answer.status_code, new.status_code) == (403, 403)
    assert sandbox.lrs.attempts == 0
