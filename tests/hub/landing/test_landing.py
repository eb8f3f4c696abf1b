"""Landing stores: in a folder, and in two S3s that differ; the same tests on all."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from config.clock import now
from hub.errors import LandingUnavailable, NotLanded, TooLarge
from hub.landing.folder import FolderLanding
from hub.landing.found import Found, Unreadable
from hub.landing.objects import Bucket, BucketRefused, ObjectLanding, S3Place
from hub.landing.place import bundle_of, is_key, key_for, part_of, unpacked
from hub.landing.s3_list import Asked, list_s3
from hub.landing.spool import BUFFER, open_spool
from hub.landing.store import Landing
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Behaviour, http_server, says
from tests.fakes.s3 import AT_ONCE, BUCKET, S3, running_s3

KEY = "source-1/2026/03/02/abc"


@pytest.fixture(params=["moto", "rclone"])
async def s3(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[S3]:
    async with running_s3(request.param, tmp_path / "s3") as running:
        yield running


@pytest.fixture(params=["folder", "moto", "rclone"])
async def landing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Landing]:
    if request.param == "folder":
        yield FolderLanding(tmp_path / "landing")
        return
    async with running_s3(request.param, tmp_path / "s3") as running:
        yield ObjectLanding(running.place("prefix"), tmp_path / "copies")


async def test_what_is_kept_is_there(landing: Landing, tmp_path: Path) -> None:
    await landing.check()
    await landing.put(KEY, b"0123456789")
    await landing.put(KEY, b"0123456789")
    assert await landing.size(KEY) == 10
    assert await landing.read(KEY, 0, 100) == b"0123456789"
    assert await landing.read(KEY, 4, 3) == b"456"
    assert await landing.read(KEY, 10, 3) == b""

    async with open_spool(tmp_path / "spool", 10 * BUFFER) as spool:
        for _ in range(3):
            await spool.write(b"x" * BUFFER)
        await spool.close()
        await landing.keep("source-1/large", spool)
    assert await landing.size("source-1/large") == 3 * BUFFER
    assert os.listdir(tmp_path / "spool") == []  # noqa: PTH208  as below

    await landing.remove(KEY)
    await landing.remove(KEY)
    with pytest.raises(NotLanded):
        await landing.size(KEY)
    with pytest.raises(NotLanded):
        await landing.read(KEY, 0, 1)


async def test_a_part_of_a_bundle_is_read_like_a_file_of_its_own(landing: Landing) -> None:
    await landing.put(KEY, b"onetwothree")
    two, three = part_of(KEY, 3, 3), part_of(KEY, 6, 5)
    assert (await landing.size(two), await landing.size(three)) == (3, 5)
    assert await landing.read(two, 0, 100) == b"two"
    assert await landing.read(two, 1, 1) == b"w"
    assert await landing.read(two, 3, 9) == b""
    assert await landing.read(three, 2, 100) == b"ree"
    with pytest.raises(NotLanded):
        await landing.read(part_of("source-1/nothing", 0, 3), 0, 3)


def test_a_place_says_which_bundle_it_is_in() -> None:
    part = part_of("s/2026/03/02/abc", 30, 12)
    assert bundle_of(part) == "s/2026/03/02/abc"
    assert bundle_of("s/2026/03/02/abc") is None
    assert is_key(unpacked(part))
    assert unpacked(part) != unpacked(part_of("s/2026/03/02/abc", 3, 12))


def open_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False)


async def test_a_bucket_is_listed_and_read(s3: S3) -> None:
    for number in range(3):
        await s3.put(f"in/file-{number}.csv", b"a,b\n" * (number + 1))
    await s3.put("out/other.csv", b"x")
    place = {
        "endpoint": s3.endpoint,
        "region": "us-east-1",
        "access_key_id": "access-key",
        "secret_access_key": "secret-key-of-tests",
    }
    bucket = Bucket(f"s3://{BUCKET}", place, open_client, now)
    found = [one for some in [s async for s in bucket.list("in")] for one in some]
    assert sorted(one.key for one in found) == [f"in/file-{n}.csv" for n in range(3)]
    (first,) = [one for one in found if one.key.endswith("0.csv")]
    assert b"".join([part async for part in bucket.stream(first.key)]) == b"a,b\n"

    await s3.put("in/file-0.csv", b"c,d\n")
    again = [one for some in [s async for s in bucket.list("in")] for one in some]
    (replaced,) = [one for one in again if one.key.endswith("0.csv")]
    assert isinstance(first, Found)
    assert isinstance(replaced, Found)
    assert replaced.etag != first.etag


STRANGE = ["a//b.csv", "dbl//", "./x", "x/../y", "tab\there", "/first"]


async def test_keys_that_cannot_be_read_are_told_and_all_others_are_given(tmp_path: Path) -> None:
    good = [f"good {number}+&%/ü.csv" for number in range(3 * AT_ONCE)]
    async with running_s3("moto", tmp_path / "s3") as running:
        async with httpx.AsyncClient(trust_env=False) as client:
            for key in [*STRANGE, *good]:
                url = f"{running.endpoint}/{BUCKET}/{quote(key).replace('.', '%2E')}"
                (await client.put(url, content=b"x" * (key != "dbl//"))).raise_for_status()
        place = running.place()
        said = {
            "endpoint": running.endpoint,
            "region": None,
            "access_key_id": place.access_key_id,
            "secret_access_key": place.secret_access_key,
        }
        bucket = Bucket(f"s3://{BUCKET}", said, open_client, now)
        found = [one for some in [s async for s in bucket.list("")] for one in some]
        below = [one for some in [s async for s in bucket.list("a")] for one in some]
        content = b"".join([part async for part in bucket.stream(good[0])])

    assert {one.key for one in found if isinstance(one, Found) and one.size} == set(good)
    told = {one.key: one.reason for one in found if isinstance(one, Unreadable)}
    assert set(told) == set(STRANGE) - {"dbl//"}
    assert told["tab\there"] == "its name has a control character"
    assert [one.key for one in below] == ["a//b.csv"]
    assert content == b"x"


async def test_a_list_by_hand_is_as_the_library_gives_it(s3: S3) -> None:
    for name in ["in/a b+c&d.csv", "in/ü.csv", "out.csv"]:
        await s3.put(name, b"x")
    keys = {"access_key_id": "access-key", "secret_access_key": "secret-key-of-tests"}
    bucket = Bucket(
        f"s3://{BUCKET}", {"endpoint": s3.endpoint, "region": None, **keys}, open_client, now
    )
    asked = Asked(BUCKET, "us-east-1", now, s3.endpoint, *keys.values())

    given = [one for some in [s async for s in bucket.list("in")] for one in some]
    by_hand = [
        one for some in [s async for s in list_s3(open_client, asked, "in/")] for one in some
    ]

    assert sorted((one.key, one.etag) for one in by_hand if isinstance(one, Found)) == sorted(
        (one.key, one.etag) for one in given if isinstance(one, Found)
    )
    assert len(by_hand) == 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (says(403, b"<Error/>"), "it answers 403"),
        (says(200, b"<ListBucketResult><Contents>"), "no element found"),
        (says(200, b"<L><Contents><Key>a</Key></Contents></L>"), "'LastModified'"),
        (says(200, b'<!DOCTYPE L [<!ENTITY a "b">]><L/>'), "it declares a document type"),
        (says(200, b"<L>" + b" " * 9_000_000 + b"</L>"), "is too large"),
    ],
)
async def test_a_list_by_hand_that_cannot_be_read_is_told(answer: Behaviour, told: str) -> None:
    async with http_server(answer) as server:
        asked = Asked("theirs", "us-east-1", now, server.url())
        with pytest.raises(LandingUnavailable, match=told):
            assert [some async for some in list_s3(open_client, asked, "")] == []


async def test_wrong_keys_are_told(tmp_path: Path) -> None:
    async with running_s3("rclone", tmp_path / "s3") as running:
        place = S3Place(BUCKET, "", running.endpoint, "us-east-1", "access-key", "wrong")
        with pytest.raises(BucketRefused, match="may not be used"):
            await ObjectLanding(place, tmp_path / "copies").check()


@pytest.mark.parametrize("keys", [{}, {"access_key_id": "their-key", "secret_access_key": "s"}])
async def test_a_bucket_of_others_gets_nothing_of_what_this_machine_proves_itself_with(
    keys: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {
        "ACCESS_KEY_ID": "my-key",
        "SECRET_ACCESS_KEY": "my-secret",
        "SESSION_TOKEN": "my-token",
    }
    for name, value in mine.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    async with http_server(says(403)) as server:
        bucket = Bucket("s3://theirs", {"endpoint": server.url(), **keys}, open_client, now)
        with pytest.raises(LandingUnavailable):
            assert [some async for some in bucket.list("")] == []
        sent = [" ".join(request.headers.values()) for request in server.requests]

    assert sent
    assert not any("my-" in headers for headers in sent)
    assert all(("their-key" in headers) == bool(keys) for headers in sent)


async def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    place = S3Place(BUCKET, "", "http://127.0.0.1:9", "us-east-1", "a", "b")
    with pytest.raises(
        LandingUnavailable, match=r"does not work: no server answers at its address$"
    ):
        await ObjectLanding(place, tmp_path / "copies").size(KEY)


async def test_a_list_that_cannot_be_had_is_told_in_words_of_the_server() -> None:
    keys = {"access_key_id": "a", "secret_access_key": "b"}
    async with http_server(says(404, b"<Code>NoSuchBucket</Code>")) as server:
        bucket = Bucket("s3://theirs", {"endpoint": server.url(), **keys}, open_client, now)
        with pytest.raises(LandingUnavailable, match="NoSuchBucket") as told:
            assert [some async for some in bucket.list("")] == []
    assert "retries" not in str(told.value)
    assert "performing" not in str(told.value)


async def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("")
    with pytest.raises(LandingUnavailable):
        await FolderLanding(tmp_path / "landing").put(KEY, b"x")


async def test_what_comes_together_is_kept_one_by_one(tmp_path: Path) -> None:
    landing = FolderLanding(tmp_path / "landing")
    (tmp_path / "landing" / "in-the-way").mkdir(parents=True)
    keys = [f"source/2026/03/{number:02}/abc" for number in range(1, 10)]
    puts = (landing.put(key, key.encode()) for key in [*keys[:5], "in-the-way", *keys[5:]])

    found = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(one) for one in found if one is not None] == [LandingUnavailable]
    assert isinstance(found[5], LandingUnavailable)

    reads = (landing.read(key, 0, 100) for key in [*keys[:5], "nothing", *keys[5:]])
    read = await asyncio.gather(*reads, return_exceptions=True)
    assert isinstance(read.pop(5), NotLanded)
    assert read == [key.encode() for key in keys]
    left = [one.name for one in (tmp_path / "landing").rglob(".*.part")]
    assert left == []


async def test_a_file_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        async with open_spool(tmp_path, 10) as spool:
            await spool.write(b"x" * 11)
    assert os.listdir(tmp_path) == []  # noqa: PTH208  asynchronous functions may not use the other


@pytest.mark.parametrize("key", ["../x", "a/../b", "/etc/passwd", "a//b", "", "a\0b"])
async def test_a_key_leads_nowhere_else(key: str, tmp_path: Path) -> None:
    assert not is_key(key)
    with pytest.raises(ValueError, match="is no key"):
        await FolderLanding(tmp_path).put(key, b"")


def test_a_key_says_when_it_came(clock: FakeClock) -> None:
    assert is_key(key_for("s", clock(), "f" * 64))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
