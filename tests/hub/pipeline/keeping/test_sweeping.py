"""What landed and was never written down goes, and nothing else, in a folder and in two S3s."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Update, update

from config import clock
from hub.landing import folder, objects
from hub.landing.folder import FolderLanding
from hub.landing.objects import ObjectLanding
from hub.landing.place import bundle_for, folder_of, found_by, key_for, part_of, unpacked
from hub.landing.store import Kept, Landing
from hub.pipeline.arriving.receiving import Receiving
from hub.pipeline.keeping.retention import Retention
from hub.pipeline.keeping.sweeping import Sweeping
from hub.records.format import Format, Kind
from hub.registry.pipeline.file_records import SourceFile
from hub.registry.pipeline.sources import SourceRecord
from hub.registry.pipeline.swept_days import SweptDays
from hub.registry.sql.tables import SourceFileRow
from tests.fakes.fuses import Fuse, FusedLanding, Killed
from tests.fakes.s3 import running_s3
from tests.hub.pipeline.conftest import LARGEST, Room

SHA = "a" * 64


@dataclass
class Scene:
    """A room whose clock shows the time, for stores write down themselves when a key was made."""

    room: Room
    landing: Landing
    receiving: Receiving
    listed: list[str]

    def sweeping(self, holder: str = "one") -> Sweeping:
        room = self.room
        days = SweptDays(room.database)
        return Sweeping(days, room.files, self, room.leases, room.clock, holder=holder)  # type: ignore[arg-type]  # all that sweeping asks of a store

    async def list(self, folder: str) -> AsyncIterator[Sequence[Kept]]:
        self.listed.append(folder)
        async for some in self.landing.list(folder):
            yield some

    async def remove(self, key: str) -> None:
        await self.landing.remove(key)

    async def sweep(self, **later: float) -> None:
        self.room.clock.move(**later)
        await self.sweeping().run()

    async def land(self, source: SourceRecord, content: bytes) -> SourceFile:
        file, _ = await self.receiving.land_stream(source, _parts(content))
        return file

    def key(self, source: SourceRecord, sha256: str = SHA) -> str:
        return key_for(source.id, self.room.clock(), sha256)

    async def keys(self, source: SourceRecord, days: int = 5) -> set[str]:
        """Give all keys of the last days."""
        found: set[str] = set()
        for ago in range(-1, days):
            day = (self.room.clock() - timedelta(days=ago)).date()
            async for some in self.landing.list(folder_of(source.id, day)):
                found.update(one.key for one in some)
        return found


def _ended(file: SourceFile) -> Update:
    """Have a file be read to its end."""
    ended = update(SourceFileRow).where(SourceFileRow.id == file.id)
    return ended.values(state="done", cut_at=None)


async def _parts(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.fixture(params=["folder", "moto", "rclone"])
async def scene(request: pytest.FixtureRequest, room: Room, tmp_path: Path) -> AsyncIterator[Scene]:
    room.clock.now = clock.now()
    if request.param == "folder":
        yield Scene(room, room.landing, room.receiving, [])
        return
    async with running_s3(request.param, tmp_path / "s3") as running:
        landing = ObjectLanding(running.place("landed"), tmp_path / "copies")
        receiving = Receiving(landing, room.files, room.clock, tmp_path / "spool", LARGEST)
        yield Scene(room, landing, receiving, [])


async def test_what_no_file_names_goes_when_its_day_is_long_over(scene: Scene) -> None:
    source, other = [await scene.room.source(kind="csv") for _ in range(2)]
    file, table = await scene.land(source, b"a,b\n1,2\n"), await scene.land(other, b"c")
    lost = scene.key(source)
    await scene.landing.put(lost, b"landed, and then its process died")
    await scene.landing.put(unpacked(file.place), b"what was packed in it")
    await scene.landing.put(unpacked(lost), b"what was packed in it")

    await scene.sweep(days=1)
    assert lost in await scene.keys(source)
    await scene.sweep(days=1.5)

    assert await scene.keys(source) == {file.place, unpacked(file.place)}
    assert await scene.keys(other) == {table.place}


async def test_bundles_are_known_by_the_moment_at_which_they_came(scene: Scene) -> None:
    webhook = {"kind": "webhook", "signature": "bearer", "secret": "s"}
    source = await scene.room.source(**webhook)
    landing = (
        scene.receiving.land(source, b'{"number": %d}' % n, name="x", form=Format(Kind.JSON))
        for n in range(5)
    )
    places = {file.place for file, _ in await asyncio.gather(*landing)}
    kept = await scene.keys(source)
    lost = bundle_for(source.id, scene.room.clock(), SHA)
    scene.room.clock.move(seconds=1)
    lost_too = bundle_for(source.id, scene.room.clock(), SHA)
    packed = unpacked(part_of(lost_too, 3, 7))
    for key in (lost, lost_too, packed):
        await scene.landing.put(key, b"lost")
    mine = unpacked(next(place for place in places if "@" in place))
    await scene.landing.put(mine, b"unpacked")

    await scene.sweep(days=2.5)

    assert await scene.keys(source) == {*kept, mine}
    assert len(kept) < len(places) == 5


async def test_what_is_no_key_of_ours_stays(scene: Scene) -> None:
    source = await scene.room.source(kind="csv")
    day = folder_of(source.id, scene.room.clock().date())
    foreign = {f"{day}/notes.txt", f"{day}/{SHA}.0123abcd", f"{day}/{SHA}.999999999999-01234567"}
    for key in foreign:
        await scene.landing.put(key, b"somebody's")

    await scene.sweep(days=3)

    assert await scene.keys(source) == foreign


async def test_each_day_is_listed_once_and_by_one(scene: Scene) -> None:
    source = await scene.room.source(kind="csv")
    began = scene.room.clock().date()
    await asyncio.gather(*(scene.sweeping(f"worker {n}").run() for n in range(3)))
    assert scene.listed == []

    scene.room.clock.move(days=5)
    await asyncio.gather(*(scene.sweeping(f"worker {n}").run() for n in range(3)))
    await scene.sweep(hours=1 / 60)
    days = [folder_of(source.id, began + timedelta(days=number)) for number in range(4)]
    assert scene.listed == days

    await scene.room.sources.delete(source.id, by="test")
    for _ in range(10):
        await scene.sweep(days=1)
    assert len(scene.listed) == 6


@pytest.mark.parametrize("at_once", [3])
async def test_a_day_of_many_is_swept_in_steps(
    scene: Scene, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "LISTED_AT_ONCE", at_once)
    monkeypatch.setattr(objects, "LISTED_AT_ONCE", at_once)
    source = await scene.room.source(kind="csv")
    files = [await scene.land(source, b"%d" % number) for number in range(7)]
    for number in range(8):
        await scene.landing.put(scene.key(source, f"{number:064x}"), b"lost")

    await scene.sweep(days=3)

    assert await scene.keys(source) == {file.place for file in files}


@pytest.mark.parametrize("point", [1, 2])
async def test_a_sweep_that_dies_goes_on_where_it_was(scene: Scene, point: int) -> None:
    source = await scene.room.source(kind="csv")
    file = await scene.land(source, b"a")
    for number in range(3):
        await scene.landing.put(scene.key(source, f"{number:064x}"), b"lost")
    scene.room.clock.move(days=3)
    fused = FusedLanding(scene.landing, Fuse(at=point + 1))
    doomed = Scene(scene.room, fused, scene.receiving, [])
    with pytest.raises(Killed):
        await doomed.sweeping().run()

    await scene.sweep(minutes=1)

    assert await scene.keys(source) == {file.place}


async def test_what_was_written_a_moment_ago_stays_and_is_looked_at_again(room: Room) -> None:
    room.clock.now = clock.now()
    scene = Scene(room, room.landing, room.receiving, [])
    source = await room.source(kind="csv")
    lost = scene.key(source)
    await room.landing.put(lost, b"x")
    path = room.folder / "landing" / lost
    left_over = path.with_name(f".{SHA}.01234567.part")
    left_over.write_bytes(b"x")
    room.clock.move(days=3)
    late = (room.clock() - timedelta(hours=23)).timestamp()
    os.utime(path, (late, late))

    await scene.sweep()
    assert await scene.keys(source) == {lost}

    await scene.sweep(hours=2)
    assert await scene.keys(source) == set()


async def test_bytes_that_come_again_are_landed_under_a_key_of_their_day(scene: Scene) -> None:
    source = await scene.room.source(kind="csv", retentionDays=1)
    first = await scene.land(source, b"a,b\n")
    async with scene.room.database.write() as session:
        await session.execute(_ended(first))
    scene.room.clock.move(days=4)
    await Retention(scene.room.files, scene.landing).run()
    assert await scene.keys(source) == set()
    await scene.sweep()

    again = await scene.land(source, b"a,b\n")

    assert (again.id, again.removed_at) == (first.id, None)
    assert again.place != first.place
    assert await scene.landing.read(again.place, 0, 10) == b"a,b\n"


async def test_bytes_that_are_removed_while_they_come_again_are_kept(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(room, room.landing, room.receiving, [])
    source = await room.source(kind="csv", retentionDays=1)
    first = await scene.land(source, b"a,b\n")
    async with room.database.write() as session:
        await session.execute(_ended(first))
    room.clock.move(days=4)
    known = room.files.known

    async def known_a_moment_ago(source_id: str, *, sha256: str) -> SourceFile | None:
        found = await known(source_id, sha256=sha256)
        await Retention(room.files, room.landing).run()
        return found

    monkeypatch.setattr(room.files, "known", known_a_moment_ago)
    again = await scene.land(source, b"a,b\n")

    assert (again.id, again.removed_at) == (first.id, None)
    assert await room.landing.read(again.place, 0, 10) == b"a,b\n"


def test_a_key_says_by_what_its_files_are_found(room: Room) -> None:
    now = room.clock()
    key, bundle = key_for("s", now, SHA), bundle_for("s", now, SHA)
    part = part_of(bundle, 10, 20)
    assert [found_by(one) for one in (key, unpacked(key))] == [SHA, SHA]
    assert [found_by(one) for one in (bundle, unpacked(part))] == [now, now]
    assert isinstance(room.landing, FolderLanding)
