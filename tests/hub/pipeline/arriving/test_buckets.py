"""Buckets: new objects land, each once; what cannot land is told, and keeps no other waiting."""

import ssl
from datetime import timedelta

import pytest

from delivery.wire.egress import Egress
from hub.pipeline.arriving.buckets import Buckets, may_be_read
from hub.registry.pipeline.sources import SourceRecord
from tests.fakes.fault_proxy import HOST
from tests.hub.pipeline.conftest import LARGEST, Room

INTERVAL = 300


class Scene:
    """A folder that somebody fills, and a source that looks through it."""

    def __init__(self, room: Room, tls: ssl.SSLContext) -> None:
        self.room = room
        self.tls = tls
        self.inbox = room.folder / "inbox"
        self.inbox.mkdir()
        self.source: SourceRecord

    async def make(self, **said: object) -> None:
        said = {"url": f"file://{self.inbox}", "intervalSeconds": INTERVAL, **said}
        self.source = await self.room.source(kind="bucket", **said)

    def worker(self, holder: str = "one", *folders: str) -> Buckets:
        room = self.room
        return Buckets(
            room.turns(holder),
            room.files,
            room.receiving,
            Egress([], tls=self.tls),
            folders=folders or [str(room.folder / "inbox")],
        )

    async def look(self) -> SourceRecord:
        await self.worker().run()
        return await self.room.shown(self.source)

    async def later(self) -> SourceRecord:
        self.room.clock.move(seconds=INTERVAL)
        return await self.look()

    async def landed(self) -> list[tuple[str, bytes]]:
        files = await self.room.landed(self.source)
        contents = await self.room.contents(self.source)
        return [(file.name, content) for file, content in zip(files, contents, strict=True)]


@pytest.fixture
def scene(room: Room, tls: ssl.SSLContext) -> Scene:
    return Scene(room, tls)


async def test_each_object_lands_once_and_again_when_it_is_replaced(scene: Scene) -> None:
    await scene.make()
    (scene.inbox / "a.csv").write_bytes(b"a\n1\n")

    await scene.look()
    await scene.later()
    assert await scene.landed() == [("a.csv", b"a\n1\n")]
    (scene.inbox / "a.csv").write_bytes(b"a\n1\n2\n")
    (scene.inbox / "b.csv").write_bytes(b"b\n1\n")
    shown = await scene.later()

    assert sorted(await scene.landed()) == [
        ("a.csv", b"a\n1\n"),
        ("a.csv", b"a\n1\n2\n"),
        ("b.csv", b"b\n1\n"),
    ]
    assert (shown.trouble, shown.asked_at) == (None, scene.room.clock())


async def test_the_same_bytes_under_another_name_are_the_same_file(scene: Scene) -> None:
    await scene.make()
    (scene.inbox / "a.csv").write_bytes(b"a\n1\n")
    await scene.look()
    (scene.inbox / "copy.csv").write_bytes(b"a\n1\n")

    await scene.later()

    assert await scene.landed() == [("a.csv", b"a\n1\n")]


async def test_only_what_is_below_the_prefix_and_not_empty(scene: Scene) -> None:
    await scene.make(prefix="in")
    (scene.inbox / "in").mkdir()
    (scene.inbox / "in" / "a.csv").write_bytes(b"a\n")
    (scene.inbox / "in" / "empty.csv").write_bytes(b"")
    (scene.inbox / "elsewhere.csv").write_bytes(b"b\n")

    await scene.look()

    assert await scene.landed() == [("in/a.csv", b"a\n")]


async def test_an_object_that_is_too_large_is_told_and_the_others_land(scene: Scene) -> None:
    await scene.make()
    (scene.inbox / "a.csv").write_bytes(b"x" * (LARGEST + 1))
    (scene.inbox / "b.csv").write_bytes(b"b\n")

    shown = await scene.look()

    assert await scene.landed() == [("b.csv", b"b\n")]
    assert "a.csv: at most 100,000 bytes are taken in one file" in str(shown.trouble)
    assert "a.csv" in (await scene.room.told())[0]
    (scene.inbox / "a.csv").unlink()
    assert (await scene.later()).trouble is None
    assert await scene.room.told() == []


async def test_a_folder_that_is_no_longer_allowed_is_not_read(scene: Scene) -> None:
    await scene.make()
    (scene.inbox / "a.csv").write_bytes(b"a\n")

    await scene.worker("one", "/nowhere").run()

    assert await scene.landed() == []
    shown = await scene.room.shown(scene.source)
    assert "is not below HUB_BUCKET_FOLDERS" in str(shown.trouble)


@pytest.mark.parametrize("endpoint", ["https://127.0.0.1:9000", "https://169.254.169.254"])
async def test_a_store_inside_is_not_asked(scene: Scene, endpoint: str) -> None:
    await scene.make(url="s3://bucket", endpoint=endpoint)

    shown = await scene.look()

    assert shown.trouble is not None
    assert HOST in shown.trouble or "169.254.169.254" in shown.trouble


async def test_a_bucket_that_is_being_looked_through_is_left_to_its_worker(scene: Scene) -> None:
    await scene.make()
    (scene.inbox / "a.csv").write_bytes(b"a\n")
    name, ttl = f"source/{scene.source.id}", timedelta(seconds=30)
    taken = await scene.room.leases.take(name, ttl, holder="another")
    assert taken is not None

    await scene.look()
    assert await scene.landed() == []
    await scene.room.leases.release(taken)
    await scene.look()

    assert len(await scene.landed()) == 1


async def test_an_announcement_has_it_looked_through_before_its_interval_is_over(
    scene: Scene,
) -> None:
    await scene.make()
    await scene.look()
    (scene.inbox / "a.csv").write_bytes(b"a\n")
    scene.room.clock.move(seconds=1)
    await scene.look()
    assert await scene.landed() == []

    await scene.room.sources.ask_now(scene.source.id)
    await scene.look()

    assert len(await scene.landed()) == 1


async def test_a_source_that_is_disabled_is_not_looked_through(scene: Scene) -> None:
    await scene.make(status="disabled")
    (scene.inbox / "a.csv").write_bytes(b"a\n")

    await scene.look()

    assert await scene.landed() == []


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("file:///srv/inbox", True),
        ("file:///srv/inbox/", True),
        ("file:///srv/inbox/deep/er", True),
        ("file:///srv/inboxes", False),
        ("file:///srv", False),
        ("file:///srv/inbox/../../etc", False),
        ("file:///", False),
    ],
)
def test_a_folder_lies_within_what_is_allowed_or_does_not(url: str, *, may: bool) -> None:
    assert may_be_read(url, ["/srv/inbox"]) is may
    assert not may_be_read(url, [])


async def test_a_folder_that_is_gone_is_told(scene: Scene) -> None:
    await scene.make()
    scene.inbox.rmdir()

    shown = await scene.look()

    assert "inbox does not work" in str(shown.trouble)
