"""Backups are whole or not there, and restored whole or not at all."""

import json
import sqlite3
import tarfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
import redis.asyncio as aioredis

from config.backup.manifest import DATABASE, KEYS, NAME, REDIS, Manifest
from config.backup.restoring import restore
from config.backup.taking import take
from config.errors import BackupFailed
from config.keyring import open_keyring
from config.settings import Settings
from config.valkey import EmbeddedValkey
from hub.registry.sql.migrate import migrate


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def untold(_: str) -> None:
    """Hear nothing."""


@pytest_asyncio.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    """Run the embedded stores, with something in them."""
    found = Settings(data_dir=tmp_path / "data")
    found.data_dir.mkdir()
    await migrate(found.database_url)
    open_keyring(found)
    (found.data_dir / "landing" / "a").mkdir(parents=True)
    (found.data_dir / "landing" / "a" / "raw").write_bytes(b"raw")
    valkey = EmbeddedValkey(found.data_dir / "valkey", fsync=False)
    await valkey.start()
    async with aioredis.Redis.from_url(valkey.url) as client:
        await client.set("hub:a", "1")
    yield found
    await valkey.stop()


async def test_what_was_there_is_there_again(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "hub.tar"
    taken = await take(settings, target, with_keys=True, tell=untold)

    restored = restore(target, tmp_path / "new", keys=None)

    assert restored == taken
    assert open_keyring(Settings(data_dir=tmp_path / "new")) == open_keyring(settings)
    assert (tmp_path / "new" / "landing" / "a" / "raw").read_bytes() == b"raw"
    with sqlite3.connect(tmp_path / "new" / DATABASE) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("0007",)]
    valkey = EmbeddedValkey(tmp_path / "new" / "valkey", fsync=False)
    await valkey.start()
    async with aioredis.Redis.from_url(valkey.url) as client:
        assert await client.get("hub:a") == b"1"
        await client.set("hub:b", "2")
    await valkey.stop()
    await valkey.start()
    async with aioredis.Redis.from_url(valkey.url) as client:
        assert await client.mget("hub:a", "hub:b") == [b"1", b"2"]
    await valkey.stop()


async def test_keys_are_in_it_only_if_that_is_said(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "hub.tar"
    await take(settings, target, with_keys=False, tell=untold)

    with pytest.raises(BackupFailed, match="--keys"):
        restore(target, tmp_path / "new", keys=None)
    assert not (tmp_path / "new").exists()
    restore(target, tmp_path / "new", keys=settings.data_dir / KEYS)

    (key,) = open_keyring(settings).keys
    assert key.encode() not in target.read_bytes()
    assert open_keyring(Settings(data_dir=tmp_path / "new")).keys == (key,)


async def test_a_backup_leaves_nothing_beside_it(settings: Settings, tmp_path: Path) -> None:
    before = set((settings.data_dir / "valkey").iterdir())

    await take(settings, tmp_path / "hub.tar", with_keys=False, tell=untold)

    assert names_in(tmp_path) == {"data", "hub.tar"}
    assert set((settings.data_dir / "valkey").iterdir()) == before
    assert (tmp_path / "hub.tar").stat().st_mode & 0o777 == 0o600


async def test_nothing_is_overwritten(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "hub.tar"
    await take(settings, target, with_keys=True, tell=untold)

    with pytest.raises(BackupFailed, match="exists already"):
        await take(settings, target, with_keys=True, tell=untold)
    with pytest.raises(BackupFailed, match="not empty"):
        restore(target, settings.data_dir, keys=None)


async def test_stores_of_ones_own_are_not_backed_up_half(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="redis://127.0.0.1:1", secret_keys=("k" * 44,))

    with pytest.raises(BackupFailed, match="their own tools"):
        await take(settings, tmp_path / "hub.tar", with_keys=False, tell=untold)


async def test_a_damaged_backup_is_refused_and_leaves_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "hub.tar"
    await take(settings, target, with_keys=True, tell=untold)
    whole = target.read_bytes()
    place = whole.index(b"SQLite format 3") + 2000

    for damaged in (
        whole[:place] + b"X" + whole[place + 1 :],
        whole[: len(whole) // 2],
        b"nothing of the kind",
        b"",
    ):
        target.write_bytes(damaged)
        with pytest.raises(BackupFailed, match=r"hub\.tar"):
            restore(target, tmp_path / "new", keys=None)
        assert names_in(tmp_path) == {"data", "hub.tar"}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("../outside", b"x", "which its manifest does not"),
        ("extra", b"x", "which its manifest does not"),
        (NAME, b"{}", "no backup of a hub"),
        (NAME, b"not json", "no backup of a hub"),
    ],
)
async def test_a_strange_tar_is_refused(
    settings: Settings, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    target, strange = tmp_path / "hub.tar", tmp_path / "strange.tar"
    await take(settings, target, with_keys=True, tell=untold)
    with tarfile.open(target) as source, tarfile.open(strange, "w") as made:
        for member in source:
            if member.name != name:
                made.addfile(member, source.extractfile(member))
            if member.name == NAME:
                added = tarfile.TarInfo(name)
                added.size = len(content)
                made.addfile(added, BytesIO(content))

    with pytest.raises(BackupFailed, match=told):
        restore(strange, tmp_path / "new", keys=None)
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "new").exists()


async def test_a_backup_of_a_later_release_is_refused(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "hub.tar"
    manifest = await take(settings, target, with_keys=True, tell=untold)
    later = manifest.model_copy(update={"format": 99, "release": "9.9"}).model_dump_json().encode()
    with tarfile.open(tmp_path / "later.tar", "w") as made:
        first = tarfile.TarInfo(NAME)
        first.size = len(later)
        made.addfile(first, BytesIO(later))

    with pytest.raises(BackupFailed, match=r"9\.9"):
        restore(tmp_path / "later.tar", tmp_path / "new", keys=None)


async def test_the_manifest_says_what_is_in_it(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "hub.tar"
    manifest = await take(settings, target, with_keys=True, tell=untold)

    with tarfile.open(target) as tar:
        first = tar.next()
        assert first is not None
        file = tar.extractfile(first)
        assert file is not None
        read = Manifest.model_validate(json.loads(file.read()))

    assert read == manifest
    assert set(manifest.parts) == {DATABASE, REDIS, KEYS, "landing/a/raw"}
    assert manifest.parts[DATABASE].taken_at <= manifest.parts[REDIS].taken_at
