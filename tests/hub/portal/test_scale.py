"""No page reads more than a page's worth, however much there is: counted, not timed."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from delivery.facts.integration import IntegrationId
from delivery.facts.times import to_ms
from delivery.stores.keys import Keys as RedisKeys
from delivery.stores.store import Store
from hub.portal.app import ROOT, pages
from hub.registry.parties.integration_records import NewIntegration
from hub.registry.parties.integration_rows import new_row
from hub.registry.sql.database import Database
from hub.registry.sql.tables import ProviderRow, Row
from hub.registry.trust.vault import Vault
from tests.hub.api.conftest import SECRET_KEY, Hub, a_statement
from tests.hub.portal.conftest import Browser

INTEGRATIONS, STATEMENTS = 1_200, 3_500
MOST_ROWS, MOST_ENTRIES, MOST_COMMANDS = 1_050, 2_100, 2_100
"""What may be read of SQL, of streams, and how often Redis may be asked, for one page."""
TOGETHER = 500
RULES = {
    "object_id": "uri",
    "actor_id": "email",
    "verbs": (),
    "xapi_version": "1.0.3",
    "batch_size": 1,
    "concurrency": 1,
    "token_auth": "basic",
    "token_parameters": {},
}


class Reading:
    """Counts what is read."""

    def __init__(self) -> None:
        self.rows = self.entries = self.commands = 0

    def note_row(self, *_: object) -> None:
        self.rows += 1

    def note_replies(self, replies: list[Any]) -> None:
        self.commands += len(replies)
        self.entries += sum(len(one) for one in replies if isinstance(one, list))


@pytest.fixture
def reading(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    counted, store = Reading(), hub.house.control.store
    exchange = store._exchange  # noqa: SLF001  every question to Redis goes through it

    async def noting(*commands: Any, **how: Any) -> list[Any]:  # noqa: ANN401  as it is
        replies = await exchange(*commands, **how)
        counted.note_replies(replies)
        return replies

    monkeypatch.setattr(store, "_exchange", noting)
    event.listen(Row, "load", counted.note_row, propagate=True)
    yield counted
    event.remove(Row, "load", counted.note_row)


async def test_no_page_reads_more_than_a_page_of_anything(
    browser: Browser, keys: dict[str, str], hub: Hub, database: Database, reading: Reading
) -> None:
    shown = IntegrationId(await hub.integrate())
    await fill(hub, database, shown)
    names = await things(hub, shown)
    await browser.sign_in(keys["admin"])
    await browser.go(f"{ROOT}/programs")
    await browser.send(f"{ROOT}/programs", program="ACME")

    for path in paths(names):
        reading.rows = reading.entries = reading.commands = 0
        answer = await browser.client.get(path)
        assert answer.status_code in {200, 303, 404, 422}, f"{path}: {answer.text}"
        assert reading.rows <= MOST_ROWS, path
        assert reading.entries <= MOST_ENTRIES, path
        assert reading.commands <= MOST_COMMANDS, path


async def fill(hub: Hub, database: Database, shown: IntegrationId) -> None:
    """Make many integrations, and many statements of one that wait or are parked."""
    at, vault = hub.clock(), Vault([SECRET_KEY])
    async with database.write() as session:
        for number in range(INTEGRATIONS):
            provider = ProviderRow(id=f"p{number}", name="P", status="active", **RULES)
            new = NewIntegration(
                name=f"Customer {number}",
                provider=provider.id,
                technical_emails=("ops@example.org",),
                statement_url="https://lrs.example.org/statements",
                authentication_url="https://lrs.example.org/token",
                client_id="acme",
                client_secret="s3cr3t",
            )
            session.add(provider)
            await session.flush()
            session.add(new_row("ACME", new, vault=vault, now=at + timedelta(seconds=number)))
    await fill_queues(hub.house.control.store, RedisKeys(shown), str(to_ms(at)))


async def fill_queues(store: Store, keys: RedisKeys, at: str) -> None:
    for _ in range(STATEMENTS // TOGETHER):
        ids = [str(uuid4()) for _ in range(TOGETHER)]
        waits = [
            ("i", one, "b", json.dumps(a_statement(id=one)), "t", at, "d", "0" * 32) for one in ids
        ]
        why = ("p", "", "k", "", "at", at, "a", "{}", "r", "HTTP 422: no", "s", "422", "v", "1")
        await store.ask(*(("XADD", keys.queue, "*", *one) for one in waits))
        await store.ask(*(("XADD", keys.parked, "*", *one, *why) for one in waits))


async def things(hub: Hub, shown: IntegrationId) -> dict[str, str]:
    """Give what stands for each name in the paths of pages."""
    said = {"name": "A file", "kind": "csv", "recipe": "csv-completions"}
    made = await hub.acme.post("/api/programs/ACME/sources", json=said)
    return {
        "integration_id": shown,
        "source_id": str(made.json()["id"]),
        "program_id": "ACME",
        "provider_id": "lms",
    }


def paths(names: dict[str, str]) -> list[str]:
    """Give every page that is read; what has a name that is not there answers 404, or 422."""
    found = [
        ROOT + re.sub(r"\{(\w+)(:\w+)?\}", lambda name: names.get(name[1], str(uuid4())), path)
        for path, methods, _ in pages()
        # What is downloaded is no page: all of it is meant, and it is streamed.
        if "GET" in methods and not path.endswith("/download")
    ]
    one = f"{ROOT}/integrations/{names['integration_id']}"
    states = ("q=customer", "q=nothing", "state=down", "state=parked", "state=flowing")
    return [
        *found,
        *(f"{ROOT}/integrations?{state}" for state in states),
        *(f"{one}/parked?status={status}" for status in (422, 499)),
        f"{one}/find?id={uuid4()}",
    ]
