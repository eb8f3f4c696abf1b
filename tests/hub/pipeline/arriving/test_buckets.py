"""Buckets: new objects land, each once; what cannot land is told, and keeps no other waiting."""

import os
import ssl
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from delivery.wire.addresses import Network
from delivery.wire.egress import Egress
from hub.errors import NotLanded
from hub.landing.inbox import Inbox
from hub.pipeline.arriving.buckets import Buckets, may_be_read
from hub.registry.pipeline.sources import SourceRecord
from tests.fakes.fault_proxy import HOST
from tests.fakes.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, running_s3
from tests.hub.pipeline.conftest import LARGEST, Room

INTERVAL = 300


class Scene:
    """A folder that somebody fills, and a source that looks through it."""

    def __init__(self, room: Room, tls: ssl.SSLContext) -> None:
        self.room = room
        self.tls = tls
        self.allow: list[Network] = []
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
            Egress(self.allow, tls=self.tls),
            room.clock,
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


async def test_a_name_that_cannot_be_read_is_told_and_the_others_land(scene: Scene) -> None:
    await scene.make()
    (scene.inbox / "in").mkdir()
    (scene.inbox / "new\nline.csv").write_bytes(b"a\n1\n")
    (scene.inbox / "in" / os.fsdecode(b"\xff.csv")).write_bytes(b"a\n2\n")
    (scene.inbox / "z.csv").write_bytes(b"a\n3\n")

    shown = await scene.look()

    assert await scene.landed() == [("z.csv", b"a\n3\n")]
    assert r"new\x0aline.csv: its name has a control character" in str(shown.trouble)
    assert r"in/\udcff.csv: its name has a control character" in str(shown.trouble)


async def test_of_many_that_cannot_be_read_the_first_are_told(scene: Scene) -> None:
    await scene.make()
    for number in range(1000):
        (scene.inbox / f"{number:03}\t.csv").write_bytes(b"a\n")

    shown = await scene.look()

    told = str(shown.trouble)
    assert told.startswith(r"000\x09.csv: its name")
    assert told.endswith("; and 995 others")


async def test_keys_of_a_bucket_that_cannot_be_read_keep_no_others_waiting(
    scene: Scene, tmp_path: Path
) -> None:
    async with running_s3("moto", tmp_path / "s3") as running:
        keys = {"accessKeyId": ACCESS_KEY, "secretAccessKey": SECRET_KEY}
        scene.allow = [ip_network(HOST)]
        await scene.make(url=f"s3://{BUCKET}", endpoint=running.endpoint, **keys)
        async with httpx.AsyncClient(trust_env=False) as client:
            for key in ["a//b.csv", "good.csv"]:
                await client.put(f"{running.endpoint}/{BUCKET}/{key}", content=b"a\n1\n")
        shown = await scene.look()
        again = await scene.later()

    assert await scene.landed() == [("good.csv", b"a\n1\n")]
    assert shown.trouble == again.trouble == "a//b.csv: a part of its name is empty"


async def test_a_link_to_outside_is_not_followed(scene: Scene) -> None:
    await scene.make()
    outside = scene.room.folder / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_bytes(b"s\n1\n")
    (scene.inbox / "folder").symlink_to(outside)
    (scene.inbox / "file.csv").symlink_to(outside / "secret.csv")
    (scene.inbox / "itself").symlink_to(scene.inbox / "itself")
    (scene.inbox / "round").symlink_to(scene.inbox)
    (scene.inbox / "a.csv").write_bytes(b"a\n1\n")
    (scene.inbox / "within.csv").symlink_to(scene.inbox / "a.csv")

    shown = await scene.look()

    assert {name for name, _ in await scene.landed()} <= {"a.csv", "within.csv"}
    assert [content for _, content in await scene.landed()] == [b"a\n1\n"]
    told = "a link leads to where nothing may be read"
    assert f"folder/: {told}" in str(shown.trouble)
    assert f"file.csv: {told}" in str(shown.trouble)


async def test_a_file_that_becomes_a_link_after_it_was_listed_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "inbox" / "a.csv").symlink_to(tmp_path / "secret")
    inbox = Inbox(tmp_path / "inbox", [str(tmp_path / "inbox")])

    with pytest.raises(NotLanded, match="a link leads"):
        assert [part async for part in inbox.stream("a.csv")] == []
    with pytest.raises(NotLanded, match="there is nothing"):
        assert [part async for part in inbox.stream("b.csv")] == []


async def test_a_folder_that_is_a_link_to_outside_is_not_read(scene: Scene) -> None:
    (scene.room.folder / "outside").mkdir()
    (scene.inbox / "in").symlink_to(scene.room.folder / "outside")
    (scene.room.folder / "outside" / "a.csv").write_bytes(b"a\n")
    await scene.make(url=f"file://{scene.inbox}/in")

    shown = await scene.look()

    assert await scene.landed() == []
    assert "is not below HUB_BUCKET_FOLDERS" in str(shown.trouble)


@pytest.mark.parametrize("prefix", ["a//b", "../x", "./x", "a\nb"])
async def test_a_prefix_that_cannot_be_asked_for_is_told(scene: Scene, prefix: str) -> None:
    await scene.make(url="s3://exports", prefix=prefix)

    shown = await scene.look()

    assert "nothing can be found below its prefix" in str(shown.trouble)
    assert shown.asked_at == scene.room.clock()
