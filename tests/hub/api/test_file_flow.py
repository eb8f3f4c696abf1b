"""Files become statements: over the HTTP API in front, and a worker's own steps behind."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hub.landing.folder import FolderLanding
from hub.pipeline.chunks import unpacking
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.sql.database import Database
from tests.fakes.fuses import Fuse, FusedDatabase, FusedIntake, FusedLanding, Killed
from tests.hub.api.conftest import Hub
from tests.hub.api.works import Works

COLUMNS = "email,course_uri,completed_at"
MOST_POINTS = 400


def rows(first: int, count: int) -> bytes:
    lines = (
        f"learner{number}@example.org,https://acme.example/c,2026-03-02T09:00:00Z"
        for number in range(first, first + count)
    )
    return "\n".join([COLUMNS, *lines]).encode() + b"\n"


@pytest.fixture
def works(hub: Hub, tmp_path: Path, database: Database) -> Works:
    return Works(hub.house, tmp_path, database)


async def source(hub: Hub, **said: object) -> str:
    form = {"name": "Files", "kind": "csv", "recipe": "csv-completions", **said}
    made = await hub.acme.post("/api/programs/ACME/sources", json=form)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def upload(hub: Hub, source_id: str, content: bytes) -> str:
    sent = await hub.acme.post(f"/api/sources/{source_id}/files", content=content)
    assert sent.status_code in {200, 202}, sent.text
    return str(sent.json()["fileId"])


async def shown(hub: Hub, source_id: str, file_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await hub.acme.get(f"/api/sources/{source_id}/files/{file_id}")).json()
    return found


async def queued(hub: Hub, integration_id: str) -> int:
    found = (await hub.acme.get(f"/api/integrations/{integration_id}")).json()
    return int(found["health"]["queued"])


async def test_a_worker_that_dies_at_any_step_loses_nothing_and_doubles_nothing(
    hub: Hub, tmp_path: Path, database: Database
) -> None:
    integration = await hub.integrate()
    deaths, fuse = 0, Fuse(at=1)
    for point in range(1, MOST_POINTS):
        # Another source each time: its statements are not known yet.
        source_id = await source(hub)
        packed = await upload(hub, source_id, gzip.compress(rows(0, 20)))
        plain = await upload(hub, source_id, rows(20, 20))
        fuse = Fuse(at=point)
        fused = FusedDatabase(f"sqlite:///{tmp_path}/registry.db", fuse)
        doomed = Works(
            hub.house,
            tmp_path,
            fused,
            landing=FusedLanding(FolderLanding(tmp_path / "landing"), fuse),
            intake=FusedIntake(hub.house.intake, fuse),
        )
        try:
            await doomed.run()
        except Killed:
            deaths += 1
        await fused.close()
        hub.clock.move(seconds=61)
        await Works(hub.house, tmp_path, database).run()

        for file_id in (packed, plain):
            file = await shown(hub, source_id, file_id)
            assert (file["state"], file["rows"], file["statements"]) == ("done", 20, 20), point
        assert await queued(hub, integration) == 40, point
        await hub.acme.post(f"/api/integrations/{integration}/queue/purge")
        if not fuse.is_blown:
            break
    assert not fuse.is_blown
    assert deaths > 30


async def test_a_full_queue_makes_a_file_wait_and_room_lets_it_go_on(
    hub: Hub, works: Works
) -> None:
    integration = await hub.integrate()
    source_id = await source(hub)
    file_id = await upload(hub, source_id, rows(0, 130))
    await works.run()
    file = await shown(hub, source_id, file_id)
    assert file["state"] == "running"
    assert "it goes on when there is room" in file["waitsFor"]
    assert 50 <= await queued(hub, integration) <= 100

    for _ in range(4):
        await hub.acme.post(f"/api/integrations/{integration}/queue/purge")
        hub.clock.move(seconds=61)
        await works.run()

    file = await shown(hub, source_id, file_id)
    assert (file["state"], file["statements"], file["waitsFor"]) == ("done", 130, None)
    assert file["new"] == 130


async def test_a_source_that_is_disabled_lands_and_waits(hub: Hub, works: Works) -> None:
    integration = await hub.integrate()
    source_id = await source(hub, status="disabled")
    file_id = await upload(hub, source_id, rows(0, 3))
    await works.run()
    assert (await shown(hub, source_id, file_id))["waitsFor"] == "the source is disabled"
    assert await queued(hub, integration) == 0

    await hub.acme.patch(f"/api/sources/{source_id}", json={"status": "active"})
    hub.clock.move(seconds=61)
    await works.run()
    assert await queued(hub, integration) == 3


async def test_of_a_source_that_is_deleted_nothing_more_is_made(
    hub: Hub, works: Works, database: Database
) -> None:
    integration = await hub.integrate()
    source_id = await source(hub, status="disabled")
    await upload(hub, source_id, rows(0, 3))
    await works.run()
    await hub.acme.delete(f"/api/sources/{source_id}")
    hub.clock.move(seconds=61)
    await works.run()

    assert await queued(hub, integration) == 0
    assert (await SourceFiles(database, hub.clock).waiting()).files == 0


async def test_without_an_integration_a_file_waits_for_one(hub: Hub, works: Works) -> None:
    source_id = await source(hub)
    file_id = await upload(hub, source_id, rows(0, 3))
    await works.run()
    assert (await shown(hub, source_id, file_id))["state"] == "running"

    integration = await hub.integrate()
    hub.clock.move(seconds=61)
    await works.run()
    assert await queued(hub, integration) == 3


async def test_only_the_chosen_integrations_get_statements(hub: Hub, works: Works) -> None:
    chosen, other = await hub.integrate(), await hub.integrate("sso")
    source_id = await source(hub, integrations=[chosen])
    await upload(hub, source_id, rows(0, 3))
    await works.run()

    assert (await queued(hub, chosen), await queued(hub, other)) == (3, 0)


async def test_a_table_of_another_source_is_joined_and_waited_for(hub: Hub, works: Works) -> None:
    integration = await hub.integrate()
    people = await source(hub, name="People", recipe=None)
    badges = await source(
        hub,
        recipe="declarative",
        recipeOptions={
            "join": {"people": "number"},
            "when": "{{people.email}}",
            "actor": {"mbox": "mailto:{{people.email}}"},
            "verb": {"id": "http://id.tincanapi.com/verb/earned"},
            "object": {"id": "https://acme.example/badges/{{badge}}"},
        },
        lookups={"people": {"source": people, "key": "number"}},
    )
    file_id = await upload(hub, badges, b"number,badge\n7,gold\n8,tin\n9,tin\n")
    await works.run()
    assert (
        "People" in str((await shown(hub, badges, file_id))["waitsFor"])
        or ((await shown(hub, badges, file_id))["waitsFor"])
    )
    assert await queued(hub, integration) == 0

    await upload(hub, people, b"number,email\n7,ada@example.org\n8,bob@example.org\n")
    hub.clock.move(seconds=61)
    await works.run()
    file = await shown(hub, badges, file_id)
    assert (file["statements"], file["skipped"], file["state"]) == (2, 1, "done")

    # The newest file of a table is the table.
    hub.clock.move(seconds=1)
    await upload(hub, people, b"number,email\n9,eve@example.org\n")
    await hub.acme.post(f"/api/sources/{badges}/files/{file_id}/reprocess")
    hub.clock.move(seconds=61)
    await works.run()
    file = await shown(hub, badges, file_id)
    assert (file["statements"], file["new"], file["skipped"]) == (1, 1, 2)


async def test_after_a_change_of_the_recipe_it_is_told_how_many_are_new(
    hub: Hub, works: Works
) -> None:
    integration = await hub.integrate()
    content = rows(0, 4).replace(b"learner3@example.org", b"nobody")
    source_id = await source(hub)
    file_id = await upload(hub, source_id, content)
    await works.run()
    file = await shown(hub, source_id, file_id)
    assert (file["statements"], file["new"], file["failed"]) == (3, 3, 1)
    assert file["errors"] == [{"line": 5, "field": "email", "reason": "must be an e-mail address"}]

    options = {"columns": {"sso_id": "email", "email": "no such column"}}
    await hub.acme.patch(f"/api/sources/{source_id}", json={"recipeOptions": options})
    sso = await hub.integrate("sso")
    await hub.acme.post(f"/api/sources/{source_id}/files/{file_id}/reprocess")
    hub.clock.move(seconds=61)
    await works.run()
    file = await shown(hub, source_id, file_id)
    assert (file["generation"], file["rows"]) == (2, 4)
    assert await queued(hub, integration) == 3
    assert file["new"] == await queued(hub, sso)


async def test_raw_bytes_go_when_their_time_is_over_and_what_is_known_of_them_stays(
    hub: Hub, works: Works, tmp_path: Path
) -> None:
    await hub.integrate()
    source_id = await source(hub, retentionDays=2)
    file_id = await upload(hub, source_id, gzip.compress(rows(0, 3)))
    await works.run()

    def kept() -> int:
        return sum(one.is_file() for one in (tmp_path / "landing").rglob("*"))

    await works.retention.run()
    assert kept() == 2
    hub.clock.move(days=2, seconds=1)
    await works.retention.run()

    assert kept() == 0
    file = await shown(hub, source_id, file_id)
    assert (file["statements"], file["removedAt"] is None) == (3, False)
    again = await hub.acme.post(f"/api/sources/{source_id}/files/{file_id}/reprocess")
    assert again.status_code == 404
    assert "no longer kept" in again.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ""),
        (b"", "is empty"),
        (gzip.compress(rows(0, 9))[:-8], "is cut off"),
        (gzip.compress(gzip.compress(rows(0, 9))), "is packed twice"),
        (b",".join(b"c%d" % n for n in range(7000)) + b"\n", "columns"),
        (b"[" * 40_000, "no JSON"),
    ],
    ids=["binary", "empty", "cut off", "packed twice", "columns", "nested"],
)
async def test_a_hostile_file_fails_by_itself_and_the_next_is_read(
    hub: Hub, works: Works, content: bytes, reason: str
) -> None:
    integration = await hub.integrate()
    source_id = await source(hub)
    file_id = await upload(hub, source_id, content)
    good = await upload(hub, source_id, rows(0, 3))
    await works.run()

    file = await shown(hub, source_id, file_id)
    assert file["state"] == "failed" or file["failed"] > 0, file
    assert reason in str(file["trouble"])
    assert (await shown(hub, source_id, good))["state"] == "done"
    assert await queued(hub, integration) == 3


@pytest.mark.parametrize("largest", [50_000, 10**9])
async def test_a_bomb_is_told_and_leaves_nothing_behind(
    hub: Hub, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS", 1024 * 1024)
    works = Works(hub.house, tmp_path, database, largest=largest)
    source_id = await source(hub)
    file_id = await upload(hub, source_id, gzip.compress(bytes(30 * 1024 * 1024)))
    await works.run()

    file = await shown(hub, source_id, file_id)
    assert file["state"] == "failed"
    assert "unpacks to more than" in file["trouble"]
    assert [one for one in (tmp_path / "spool").rglob("*") if one.is_file()] == []


async def test_a_form_of_a_webhook_is_read_again_as_the_form_it_was(hub: Hub, works: Works) -> None:
    integration = await hub.integrate()
    source_id = await source(
        hub,
        kind="webhook",
        signature="bearer",
        secret="s",
        recipe="email-engagement",
        records="/mandrill_events",
    )
    events = [
        {"event": "open", "ts": 1772442000, "msg": {"_id": f"m{n}", "email": "ada@example.org"}}
        for n in range(3)
    ]
    sent = await hub.nobody.post(
        f"/hooks/{source_id}",
        data={"mandrill_events": json.dumps(events)},
        headers={"Authorization": "Bearer s"},
    )
    assert sent.status_code == 202, sent.text
    file_id = sent.json()["fileId"]
    await works.run()
    assert await queued(hub, integration) == 3

    await hub.acme.post(f"/api/sources/{source_id}/files/{file_id}/reprocess")
    hub.clock.move(seconds=61)
    await works.run()
    file = await shown(hub, source_id, file_id)
    assert (file["state"], file["statements"], file["new"]) == ("done", 3, 0)


async def test_webhooks_that_land_together_are_files_of_their_own(
    hub: Hub, works: Works, tmp_path: Path
) -> None:
    integration = await hub.integrate()
    said = {"kind": "webhook", "signature": "bearer", "secret": "s", "recipe": "email-engagement"}
    source_id = await source(hub, **said, records="/events", retentionDays=2)

    async def post(number: int) -> str:
        told = {"ts": 1772442000, "msg": {"_id": f"m{number}", "email": "ada@example.org"}}
        sent = await hub.nobody.post(
            f"/hooks/{source_id}",
            json={"events": [{"event": "open", **told}]},
            headers={"Authorization": "Bearer s"},
        )
        assert sent.status_code in {200, 202}, sent.text
        return str(sent.json()["fileId"])

    def kept() -> int:
        return sum(one.is_file() for one in (tmp_path / "landing").rglob("*"))

    ids = await asyncio.gather(*(post(number) for number in range(20)))
    assert len(set(ids)) == 20
    assert kept() < 20
    await works.run()
    assert await queued(hub, integration) == 20

    hub.clock.move(seconds=61)
    await hub.acme.post(f"/api/sources/{source_id}/files/{ids[7]}/reprocess")
    await works.run()
    again = await shown(hub, source_id, ids[7])
    assert (again["state"], again["statements"], again["new"]) == ("done", 1, 0)

    before = kept()
    assert len(set(await asyncio.gather(*(post(number) for number in range(25))))) == 25
    assert kept() == before + 5

    hub.clock.move(days=2)
    await hub.acme.post(f"/api/sources/{source_id}/files/{ids[7]}/reprocess")
    await works.retention.run()
    assert kept() > 0
    assert (await shown(hub, source_id, ids[7]))["removedAt"] is None
    await works.run()
    await works.retention.run()
    assert kept() == 0


async def test_of_a_packed_file_that_cannot_be_read_nothing_unpacked_is_left(
    hub: Hub, works: Works, tmp_path: Path
) -> None:
    source_id = await source(hub)
    file_id = await upload(hub, source_id, gzip.compress(bytes(range(256)) * 40))
    await works.run()

    assert (await shown(hub, source_id, file_id))["state"] == "failed"
    assert len([one for one in (tmp_path / "landing").rglob("*") if one.is_file()]) == 1
