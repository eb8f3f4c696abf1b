"""What is told of a file adds up: its records are those made, skipped and failed, each once."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.pipeline.chunks import transforming
from hub.registry.sql.database import Database
from tests.hub.api.conftest import Hub
from tests.hub.api.works import Works

RECIPE = '''
from datetime import UTC, datetime
from hub.recipes.kit import activity, agent, statement, verb

AT = datetime(2026, 3, 2, tzinfo=UTC)

def named(record, context):
    """Says itself which ids its statements have."""
    said = statement(actor=agent("ann@example.org"), verb=verb("http://x.example/v", "v"),
                     object=activity("http://x.example/" + record.needed("says")), at=AT)
    return [{"id": one, **said} for one in record.get("ids")]
'''
A, B, C = (f"00000000-0000-4000-8000-00000000000{number}" for number in "abc")


@pytest.fixture
def works(hub: Hub, tmp_path: Path, database: Database) -> Works:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "ours.py").write_text(RECIPE)
    return Works(hub.house, tmp_path, database)


async def start(hub: Hub) -> str:
    """Make a source for two integrations."""
    await hub.integrate()
    await hub.integrate("sso")
    return await make(hub)


async def make(hub: Hub) -> str:
    form = {"name": "Files", "kind": "csv", "recipe": "named"}
    made = await hub.acme.post("/api/programs/ACME/sources", json=form)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def upload(hub: Hub, source_id: str, *says: tuple[str, tuple[str, ...]]) -> str:
    lines = "\n".join(json.dumps({"says": what, "ids": ids}) for what, ids in says)
    hub.clock.move(seconds=1)
    sent = await hub.acme.post(f"/api/sources/{source_id}/files", content=lines.encode())
    return str(sent.json()["fileId"])


async def counts(hub: Hub, source_id: str, file_id: str) -> tuple[int, ...]:
    shown = await told(hub, source_id, file_id)
    return tuple(shown[name] for name in ("rows", "statements", "new", "skipped", "failed"))


async def told(hub: Hub, source_id: str, file_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await hub.acme.get(f"/api/sources/{source_id}/files/{file_id}")).json()
    return found


async def test_files_that_are_read_together_are_counted_apart(hub: Hub, works: Works) -> None:
    source_id = await start(hub)
    first = await upload(hub, source_id, ("x", (A,)))
    second = await upload(hub, source_id, ("x", (A,)), ("z", (B,)), ("z", (B,)), ("z", ()))
    third = await upload(hub, source_id, ("y", (A, C)), ("y", (B,)))
    for _ in range(3):
        await works.cutting.step()
    await works.transforming.step()

    # Of each statement there is one for each of the two integrations.
    assert await counts(hub, source_id, first) == (1, 2, 2, 0, 0)
    assert await counts(hub, source_id, second) == (4, 4, 2, 2, 0)
    assert await counts(hub, source_id, third) == (2, 2, 2, 0, 2)
    shown = await told(hub, source_id, third)
    assert [(one["line"], one["field"], one["reason"]) for one in shown["errors"]] == [
        (1, "id", f"the statement {A} is known with other content"),
        (2, "id", f"the statement {B} is known with other content"),
    ]


async def test_a_file_that_contradicts_one_before_it_is_told(hub: Hub, works: Works) -> None:
    source_id = await start(hub)
    first = await upload(hub, source_id, ("x", (A,)), ("z", (B,)))
    await works.run()
    second = await upload(hub, source_id, ("y", (A, B)), ("x", (C,)))
    await works.run()

    assert await counts(hub, source_id, first) == (2, 4, 4, 0, 0)
    assert await counts(hub, source_id, second) == (2, 2, 2, 0, 1)
    assert len((await told(hub, source_id, second))["errors"]) == 1

    await hub.acme.post(f"/api/sources/{source_id}/files/{second}/reprocess")
    await works.run()
    assert await counts(hub, source_id, second) == (2, 2, 0, 0, 1)


async def test_a_source_that_takes_long_gives_way_to_others(
    hub: Hub, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transforming, "LONG", timedelta(0))
    monkeypatch.setattr(transforming, "MOST_CHUNKS", 1)
    slow, other = await start(hub), await make(hub)
    files = [(slow, await upload(hub, slow, ("x", (one,)))) for one in (A, B, C)]
    files.append((other, await upload(hub, other, ("y", (A,)))))
    while await works.cutting.step():
        pass

    async def done() -> list[bool]:
        return [(await told(hub, *file))["state"] == "done" for file in files]

    await works.transforming.step()
    await works.transforming.step()
    assert await done() == [True, False, False, True]

    for _ in range(3):
        hub.clock.move(minutes=1)
        await works.transforming.step()
    assert await done() == [True, True, True, True]
