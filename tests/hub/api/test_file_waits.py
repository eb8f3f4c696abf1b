"""What is in the way of a file, and is no fault of it: told, waited for, and nothing is lost."""

from pathlib import Path

import pytest

from delivery.facts.errors import StoreUnavailable
from hub.errors import LandingUnavailable
from hub.landing.folder import FolderLanding
from hub.registry.parties.providers import ProviderStatus
from hub.registry.sql.database import Database
from tests.fakes.fuses import Fuse, FusedIntake, FusedLanding
from tests.hub.api.conftest import Hub, a_statement
from tests.hub.api.test_file_flow import queued, rows, shown, source, upload
from tests.hub.api.works import Works

BADGE = {
    "actor": {"mbox": "mailto:{{email}}"},
    "verb": {"id": "http://id.tincanapi.com/verb/earned"},
    "object": {"id": "https://acme.example/badges/{{badge}}"},
    "timestamp": "2026-03-02T09:00:00Z",
}


@pytest.fixture
def works(hub: Hub, tmp_path: Path, database: Database) -> Works:
    return Works(hub.house, tmp_path, database)


async def test_redis_is_away_for_a_moment(hub: Hub, tmp_path: Path, database: Database) -> None:
    integration = await hub.integrate()
    source_id = await source(hub)
    file_id = await upload(hub, source_id, rows(0, 3))
    fuse = Fuse(lambda: StoreUnavailable("Redis is away"), at=1)
    works = Works(hub.house, tmp_path, database, intake=FusedIntake(hub.house.intake, fuse))

    await works.run()
    assert (await shown(hub, source_id, file_id))["waitsFor"] == "Redis is away"
    hub.clock.move(seconds=5)
    await works.run()

    assert (await shown(hub, source_id, file_id))["new"] == 3
    assert await queued(hub, integration) == 3


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_the_landing_store_is_away_for_a_moment(
    hub: Hub, tmp_path: Path, database: Database, at: int
) -> None:
    integration = await hub.integrate()
    source_id = await source(hub)
    file_id = await upload(hub, source_id, rows(0, 3))
    fuse = Fuse(lambda: LandingUnavailable("the disk is away"), at=at)
    landing = FusedLanding(FolderLanding(tmp_path / "landing"), fuse)
    works = Works(hub.house, tmp_path, database, landing=landing)

    await works.run()
    assert (await shown(hub, source_id, file_id))["waitsFor"] == "the disk is away"
    hub.clock.move(seconds=30)
    await works.run()

    file = await shown(hub, source_id, file_id)
    assert (file["state"], file["waitsFor"]) == ("done", None)
    assert await queued(hub, integration) == 3


async def test_bytes_that_somebody_took_away_end_a_file_with_the_reason(
    hub: Hub, works: Works, tmp_path: Path
) -> None:
    source_id = await source(hub)
    file_id = await upload(hub, source_id, rows(0, 3))
    for one in _files(tmp_path / "landing"):
        one.unlink()

    await works.run()

    file = await shown(hub, source_id, file_id)
    assert file["state"] == "failed"
    assert "there is nothing at" in file["trouble"]


async def test_a_recipe_that_was_taken_away(hub: Hub, works: Works) -> None:
    await hub.integrate()
    source_id = await source(hub)
    file_id = await upload(hub, source_id, rows(0, 3))
    await hub.acme.patch(f"/api/sources/{source_id}", json={"recipe": None})

    await works.run()
    told = (await shown(hub, source_id, file_id))["waitsFor"]
    assert told == "the source has no recipe any more"
    await hub.acme.patch(f"/api/sources/{source_id}", json={"recipe": "csv-completions"})
    hub.clock.move(seconds=30)
    await works.run()

    assert (await shown(hub, source_id, file_id))["state"] == "done"


async def test_a_provider_that_is_disabled_takes_nothing(hub: Hub, works: Works) -> None:
    integration = await hub.integrate()
    await hub.house.providers.change("lms", {"status": ProviderStatus.DISABLED}, by="test")
    source_id = await source(hub)
    file_id = await upload(hub, source_id, rows(0, 3))

    await works.run()

    told = (await shown(hub, source_id, file_id))["waitsFor"]
    assert told == "the program has no integration that takes what this source makes"
    assert await queued(hub, integration) == 0


async def test_an_id_that_is_known_with_other_content_is_told_at_its_line(
    hub: Hub, works: Works
) -> None:
    integration = await hub.integrate()
    source_id = await source(hub, recipe="declarative", recipeOptions=BADGE)
    record = {"email": "ada@example.org", "badge": "b1"}
    form = {"recipe": "declarative", "options": BADGE, "record": record, "source": source_id}
    tried = (await hub.acme.post("/api/recipes/preview", json=form)).json()
    other = a_statement(id=tried["statements"][0]["id"])
    sent = await hub.acme.post(f"/api/integrations/{integration}/statements", json=other)
    assert sent.status_code == 202, sent.text

    content = b"email,badge\nbob@example.org,b2\nada@example.org,b1\n"
    file_id = await upload(hub, source_id, content)
    await works.run()

    file = await shown(hub, source_id, file_id)
    assert (file["statements"], file["new"], file["failed"]) == (1, 1, 1)
    (error,) = file["errors"]
    assert (error["line"], error["field"]) == (3, "id")
    assert "is known with other content" in error["reason"]
    assert await queued(hub, integration) == 2


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]
