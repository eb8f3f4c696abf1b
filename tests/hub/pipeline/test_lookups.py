"""Lookup tables: the latest file of a source, copied for the mill, or told why there is none."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.pipeline import lookups, tables
from hub.pipeline.asking import TableFile
from hub.pipeline.lookups import Lookups, NoTable
from hub.pipeline.retention import Retention
from hub.pipeline.tables import FileTable, Shelf
from hub.recipes.faults import RecordFault
from hub.records.format import Hints
from hub.registry.sources import SourceRecord
from tests.hub.pipeline.conftest import Room

PEOPLE = b"number,email\n7,ada@example.org\n"


class Scene:
    """A table, and a source that looks up in it."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.lookups = Lookups(room.sources, room.files, room.landing, room.folder / "tables")
        self.table: SourceRecord
        self.source: SourceRecord

    async def start(self) -> None:
        self.table = await self.room.source(kind="csv", name="People", recipe=None)
        people = {"source": self.table.id, "key": "number"}
        self.source = await self.room.source(kind="csv", lookups={"people": people})

    async def land(self, content: bytes) -> None:
        self.room.clock.move(seconds=1)
        await self.room.receiving.land_stream(self.table, _parts(content), name="people.csv")

    async def found(self, key: str) -> str | None:
        """Look the mailbox of a number up."""
        (table,) = (await self.lookups.of(self.source)).values()
        record = FileTable("people", table).find(key)
        return None if record is None else record.text("email")


async def _parts(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.fixture
async def scene(room: Room) -> Scene:
    scene = Scene(room)
    await scene.start()
    return scene


async def test_a_record_is_found_by_its_key(scene: Scene) -> None:
    await scene.land(PEOPLE)

    assert await scene.found(" 7 ") == "ada@example.org"
    assert await scene.found("8") is None


async def test_a_packed_table_is_unpacked(scene: Scene) -> None:
    await scene.land(gzip.compress(PEOPLE))

    assert await scene.found("7") == "ada@example.org"


async def test_what_came_last_is_the_table_also_when_it_was_there_before(scene: Scene) -> None:
    await scene.land(PEOPLE)
    await scene.land(b"number,email\n7,eve@example.org\n")
    assert await scene.found("7") == "eve@example.org"

    await scene.land(PEOPLE)

    assert await scene.found("7") == "ada@example.org"
    assert len(await scene.room.landed(scene.table)) == 2


async def test_the_latest_table_is_kept_however_old_and_the_others_go(scene: Scene) -> None:
    await scene.land(b"number,email\n7,eve@example.org\n")
    await scene.land(PEOPLE)
    scene.room.clock.move(days=365)

    await Retention(scene.room.files, scene.room.landing).run()

    assert await scene.found("7") == "ada@example.org"
    old, new = await scene.room.landed(scene.table)
    assert (old.removed_at is None, new.removed_at is None) == (False, True)


async def test_a_table_that_was_removed_can_come_again(scene: Scene) -> None:
    await scene.land(PEOPLE)
    await scene.land(b"number,email\n7,eve@example.org\n")
    scene.room.clock.move(days=365)
    await Retention(scene.room.files, scene.room.landing).run()

    await scene.land(PEOPLE)

    assert await scene.found("7") == "ada@example.org"


async def test_a_table_that_is_not_there_is_told(scene: Scene) -> None:
    with pytest.raises(NoTable, match="the table people: there is no file of People yet"):
        await scene.lookups.of(scene.source)
    await scene.room.sources.delete(scene.table.id, by="test")
    with pytest.raises(NoTable, match="there is no source"):
        await scene.lookups.of(scene.source)


async def test_bytes_that_are_gone_are_told(scene: Scene) -> None:
    await scene.land(PEOPLE)
    (file,) = await scene.room.landed(scene.table)
    await scene.room.landing.remove(file.place)

    with pytest.raises(NoTable, match=r"people.csv"):
        await scene.lookups.of(scene.source)


@pytest.mark.parametrize("content", [b"x" * 2001, gzip.compress(b"x" * 2001)])
async def test_a_table_is_bounded(
    scene: Scene, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "LARGEST", 2000)
    await scene.land(content)

    with pytest.raises(NoTable, match="more than"):
        await scene.lookups.of(scene.source)


async def test_not_all_copies_are_kept(scene: Scene) -> None:
    for number in range(lookups.KEPT + 5):
        await scene.land(b"number,email\n7,a%d@example.org\n" % number)
        assert await scene.found("7") == f"a{number}@example.org"

    assert len(list((scene.room.folder / "tables").glob("*"))) == lookups.KEPT


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n", "has no field 'number'"),
        (b"", "the table people cannot be read: is empty"),
        (b"\x00\x01\x02\x03" * 50, "the table people cannot be read"),
        (b"number\n" + b"".join(b"%d\n" % n for n in range(11)), "has more than 10 records"),
    ],
    ids=["no key", "empty", "binary", "long"],
)
def test_a_table_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    monkeypatch.setattr(tables, "MOST_RECORDS", 10)
    (tmp_path / "one.table").write_bytes(content)
    asked = {"people": TableFile(str(tmp_path / "one.table"), Hints(), "number")}

    with pytest.raises(RecordFault, match=reason):
        Shelf().take(asked)


def test_of_several_with_one_key_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "one.table").write_bytes(b"number,email\n7,old\n7,new\n8\n")
    table = FileTable("people", TableFile(str(tmp_path / "one.table"), Hints(), "number"))

    found = table.find("7")
    assert found is not None
    assert found.text("email") == "new"
    assert table.find("8") is None
