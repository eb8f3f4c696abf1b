"""Lookup tables: the latest file of a source, copied for the mill, or told why there is none."""

import asyncio
import gzip
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config import clock
from hub.pipeline.chunks import lookups, table_files
from hub.pipeline.chunks.lookups import Lookups, NoTable
from hub.pipeline.chunks.table_files import TableFiles
from hub.pipeline.keeping.retention import Retention
from hub.pipeline.mill import tables
from hub.pipeline.mill.asking import TableFile
from hub.pipeline.mill.tables import FileTable, Shelf
from hub.recipes.faults import RecordFault
from hub.records.format import Hints
from hub.registry.pipeline.sources import SourceRecord
from tests.hub.pipeline.conftest import Room

ROOT = Path(__file__).parents[4]
PEOPLE = b"number,email\n7,ada@example.org\n"


class Scene:
    """A table, and a source that looks up in it."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.folder = room.folder / "tables"
        tables = TableFiles(self.folder, room.clock)
        self.lookups = Lookups(room.sources, room.files, room.landing, tables)
        self.table: SourceRecord
        self.source: SourceRecord

    async def start(self) -> None:
        self.table = await self.room.source(kind="csv", name="People", recipe=None)
        people = {"source": self.table.id, "key": "number"}
        self.source = await self.room.source(kind="csv", lookups={"people": people})

    async def land(self, content: bytes) -> None:
        self.room.clock.move(seconds=1)
        await self.room.receiving.land_stream(self.table, _parts(content), name="people.csv")

    def copies(self) -> set[str]:
        return {one.name for one in self.folder.glob("*")}

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
    # A worker may still hold what was said of a source that is gone by now.
    for gone in (scene.source, scene.table):
        await scene.room.sources.delete(gone.id, by="test")
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
    for number in range(table_files.MOST_TABLES + 5):
        await scene.land(b"number,email\n7,a%d@example.org\n" % number)
        scene.room.clock.move(minutes=5)
        assert await scene.found("7") == f"a{number}@example.org"

    assert len(scene.copies()) == table_files.MOST_TABLES


async def test_the_copies_of_tables_are_bounded_in_size(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_BYTES", 2 * len(PEOPLE) + 10)
    await scene.land(PEOPLE)
    await scene.found("7")
    (first,) = scene.copies()
    for letter in (b"b", b"c", b"d"):
        scene.room.clock.move(minutes=5)
        await scene.land(PEOPLE.replace(b"ada", b"ad" + letter))
        await scene.found("7")

    assert len(scene.copies()) == 2
    assert first not in scene.copies()


async def test_what_is_in_use_stays_and_what_was_used_last_goes_last(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_TABLES", 2)
    tables = TableFiles(scene.folder, scene.room.clock)
    for name in ("one", "two", "three"):
        await tables.keep(name, b"x")
    assert len(scene.copies()) == 3

    scene.room.clock.move(minutes=5)
    assert await tables.find("one") is not None
    scene.room.clock.move(minutes=5)
    await tables.keep("four", b"x")

    assert scene.copies() == {"four.table", "one.table"}
    assert await tables.find("two") is None


async def test_tables_that_nobody_looks_up_in_are_removed(scene: Scene) -> None:
    await scene.land(PEOPLE)
    await scene.found("7")
    scene.room.clock.move(hours=20)
    await scene.found("7")
    scene.room.clock.move(hours=20)
    await scene.lookups.tidy()
    assert len(scene.copies()) == 1

    scene.room.clock.move(hours=5)
    await scene.lookups.tidy()

    assert scene.copies() == set()
    assert await scene.found("7") == "ada@example.org"


async def test_what_a_killed_process_was_writing_is_removed(scene: Scene) -> None:
    scene.room.clock.now = clock.now()
    await TableFiles(scene.folder, scene.room.clock).keep("one", b"x")
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from hub.pipeline.chunks import table_files\n"
        "from config import clock\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "folder = Path(sys.argv[1])\n"
        "table_files.TableFiles(folder, clock.now)._write(folder / 'a.table', b'x')"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(scene.folder), cwd=ROOT
    )
    assert await process.wait() == -signal.SIGKILL
    assert len(scene.copies()) == 2

    await scene.lookups.tidy()
    assert len(scene.copies()) == 2
    scene.room.clock.move(hours=2)
    await scene.lookups.tidy()
    assert scene.copies() == {"one.table"}


async def test_two_that_write_a_table_at_once_do_not_disturb_each_other(scene: Scene) -> None:
    content = PEOPLE * 50_000
    both = [TableFiles(scene.folder, scene.room.clock) for _ in range(2)]
    for _ in range(10):
        await asyncio.gather(*(one.keep("one", content) for one in both))
        assert (scene.folder / "one.table").read_bytes() == content


def test_a_table_that_is_gone_is_told(tmp_path: Path) -> None:
    asked = {"people": TableFile(str(tmp_path / "one.table"), Hints(), "number")}

    with pytest.raises(RecordFault, match="the table people is gone"):
        Shelf().take(asked)


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


def test_every_record_of_json_lines_keeps_its_own_fields(tmp_path: Path) -> None:
    lines = (
        b'{"number": "1", "name": "Ada"}\n'
        b'{"name": "nobody"}\n'
        b'{"number": 2, "email": "two@x.example", "more": [123456789012345678901234567890]}\n'
        b'{"number": {}, "email": "three@x.example"}\n'
    )
    (tmp_path / "one.table").write_bytes(lines)
    table = FileTable("people", TableFile(str(tmp_path / "one.table"), Hints(), "number"))

    one, two = table.find("1"), table.find("2")
    assert one is not None
    assert one.fields == {"number": "1", "name": "Ada"}
    assert two is not None
    assert two.text("email") == "two@x.example"
    assert two.get("more.0") == 123456789012345678901234567890
    assert len(table) == 2


def test_a_long_table_is_read_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK", 1000)
    rows = b"".join(b'%d,"mail %d\nof %d"\n' % (n, n, n) for n in range(9_000))
    (tmp_path / "one.table").write_bytes(b"\xef\xbb\xbfnumber,email\n" + rows)
    table = FileTable("people", TableFile(str(tmp_path / "one.table"), Hints(), "number"))

    assert len(table) == 9_000
    for number in ("0", "1999", "2000", "8999"):
        found = table.find(number)
        assert found is not None
        assert found.text("email") == f"mail {number}\nof {number}"


def test_a_table_is_read_anew_when_its_columns_have_other_names(tmp_path: Path) -> None:
    (tmp_path / "one.table").write_bytes(b"number,Mail\n7,ada@x.example\n")
    shelf = Shelf()
    for hints, name in ((Hints(), "Mail"), (Hints(renamed={"Mail": "email"}), "email")):
        file = TableFile(str(tmp_path / "one.table"), hints, "number")
        found = shelf.take({"people": file})["people"].find("7")
        assert found is not None
        assert found.text(name) == "ada@x.example"


def test_tables_together_are_bounded_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {}
    for name, rows in (("a", 3_000), ("b", 3_000), ("c", 30_000)):
        content = b"number,email\n" + b"".join(b"%d,%s\n" % (n, name.encode()) for n in range(rows))
        (tmp_path / f"{name}.table").write_bytes(content)
        files[name] = TableFile(str(tmp_path / f"{name}.table"), Hints(), "number")
    needed = FileTable("a", files["a"]).memory
    assert needed > 3_000 * 100
    monkeypatch.setattr(tables, "MOST_MEMORY", needed * 3 // 2)
    shelf = Shelf()

    first = shelf.take({"a": files["a"]})["a"]
    assert shelf.take({"a": files["a"]})["a"] is first
    # The other goes first.
    shelf.take({"b": files["b"]})
    assert shelf.take({"a": files["a"]})["a"] is not first
    with pytest.raises(RecordFault, match=r"of this source need more than .* MiB .*; b is one too"):
        shelf.take({"a": files["a"], "b": files["b"]})
    with pytest.raises(RecordFault, match="the table c is too large: it needs more than"):
        shelf.take({"c": files["c"]})
    # What was refused once is not read again, as long as it is the same.
    (tmp_path / "c.table").unlink()
    with pytest.raises(RecordFault, match="the table c is too large: it needs more than"):
        shelf.take({"c": files["c"]})
    assert len(shelf.take({"a": files["a"]})["a"]) == 3_000
