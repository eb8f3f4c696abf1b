"""The mails to a program's contacts, over HTTP."""

from datetime import timedelta

import pytest

from hub.registry.parties.notices import ProgramMail
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from tests.hub.api.conftest import Hub

EMAILS = ("ops@acme.example",)


@pytest.mark.parametrize("prefix", ["/api", ""])
async def test_mails_are_listed_newest_first(hub: Hub, database: Database, prefix: str) -> None:
    lease = await SqlLeases(database, hub.clock).take(
        "notices/ACME", timedelta(hours=1), holder="test"
    )
    assert lease
    for subject, error in (("first", None), ("second", "550 no")):
        hub.clock.move(seconds=1)
        mail = ProgramMail(hub.clock(), EMAILS, subject, error)
        await hub.house.notices.record(lease, "ACME", mail, [])
    path = f"{prefix}/programs/ACME/mails"

    newest = (await hub.reader.get(path, params={"limit": 1})).json()
    older = (await hub.reader.get(path, params={"cursor": newest["next"]})).json()

    assert newest["items"] == [
        {
            "SentUtc": "2026-03-02T09:00:02Z",
            "Recipients": ["ops@acme.example"],
            "Subject": "second",
            "Error": "550 no",
        }
    ]
    assert [(one["Subject"], one["Error"]) for one in older["items"]] == [("first", None)]
    assert older["next"] is None


async def test_mails_are_for_those_who_may_read_the_program(hub: Hub) -> None:
    clients = (hub.system, hub.acme, hub.reader, hub.other, hub.nobody)

    statuses = [(await one.get("/api/programs/ACME/mails")).status_code for one in clients]

    assert statuses == [200, 200, 200, 404, 401]
