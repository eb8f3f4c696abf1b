"""Takes a backup while everything goes on.

First SQL, then Redis: so what SQL says was handed to delivery is in the snapshot of Redis. What was
accepted after the snapshot is not in the backup.
"""

import asyncio
import hashlib
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from config import clock
from config.backup.manifest import DATABASE, FORMAT, KEYS, LANDING, NAME, REDIS, Manifest, Part
from config.errors import BackupFailed
from config.keyring import open_keyring
from config.settings import Settings
from config.stores import locate, open_redis
from hub.registry.trust.vault import Vault

BLOCK = 1024 * 1024
POLL_SECONDS = 0.05
Tell = Callable[[str], None]


async def take(settings: Settings, target: Path, *, with_keys: bool, tell: Tell) -> Manifest:
    """Write a backup of the embedded stores into `target`; it is there whole, or not at all.

    Raises BackupFailed, StoreAway. `tell` what is done now.
    """
    if not settings.embedded:
        raise BackupFailed(
            "Redis or SQL are not the embedded ones: use their own tools, SQL first. "
            "OPERATIONS.md, Backup and restore, says how."
        )
    beside = _beside(target)
    keyring = open_keyring(settings)
    key_ids = Vault.parse(",".join(keyring.keys)).key_ids
    began_at = clock.now()
    with TemporaryDirectory(prefix=".backup-", dir=beside) as folder:
        draft = Path(folder)
        moments: dict[str, datetime] = {}
        tell("SQL")
        moments[DATABASE] = clock.now()
        await asyncio.to_thread(_copy_database, settings.data_dir / DATABASE, draft / DATABASE)
        tell("Redis")
        server = await _snapshot(settings, draft / REDIS)
        moments[REDIS] = clock.now()
        if with_keys:
            (draft / KEYS).write_text("\n".join(keyring.keys))
        landing = settings.data_dir / "landing"
        if landing.is_dir():
            tell("landing")
            await asyncio.to_thread(shutil.copytree, landing, draft / LANDING)
        tell("checksums")
        manifest = Manifest(
            format=FORMAT,
            release=version("learning-hub"),
            valkey=server,
            began_at=began_at,
            key_ids=key_ids,
            parts=await asyncio.to_thread(_parts, draft, moments, began_at),
        )
        (draft / NAME).write_text(manifest.model_dump_json(indent=2))
        tell("writing")
        await asyncio.to_thread(_write, draft, manifest, target)
    return manifest


def _beside(target: Path) -> Path:
    if target.exists():
        raise BackupFailed(f"{target} exists already.")
    folder = target.absolute().parent
    if not folder.is_dir():
        raise BackupFailed(f"There is no folder {folder}.")
    return folder


def _copy_database(source: Path, target: Path) -> None:
    # SQLite's own online backup: consistent while others write.
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=1000, sleep=0.01)


async def _snapshot(settings: Settings, target: Path) -> str:
    async with open_redis(locate(settings)) as redis:
        folder = (await redis.config_get("dir"))["dir"]
        name = (await redis.config_get("dbfilename"))["dbfilename"]
        await _save(redis)
        said = await redis.info("server")
    # Moved, not copied: the server writes a new one each time and reads it only for a replica.
    await asyncio.to_thread(shutil.move, Path(str(folder)) / str(name), target)
    return str(said.get("valkey_version") or said.get("redis_version"))


async def _save(redis: Redis) -> None:
    began = await redis.lastsave()
    while True:
        try:
            await redis.bgsave()
            break
        except ResponseError as error:
            # Its log is being rewritten; it is done with that sooner or later.
            if "in progress" not in str(error):
                raise BackupFailed(f"Redis makes no snapshot: {error}") from error
            await asyncio.sleep(POLL_SECONDS)
    while (said := await redis.info("persistence"))["rdb_bgsave_in_progress"]:  # noqa: ASYNC110 - another process sets no event
        await asyncio.sleep(POLL_SECONDS)
    if said["rdb_last_bgsave_status"] != "ok" or await redis.lastsave() < began:
        raise BackupFailed("Redis could not write its snapshot; its log says why.")


def _parts(draft: Path, moments: dict[str, datetime], began_at: datetime) -> dict[str, Part]:
    return {
        path.relative_to(draft).as_posix(): Part(
            size=path.stat().st_size,
            sha256=digest(path),
            taken_at=moments.get(path.name, began_at),
        )
        for path in sorted(draft.rglob("*"))
        if path.is_file()
    }


def _write(draft: Path, manifest: Manifest, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            # The manifest first: whoever restores knows from the beginning what is to come.
            for name in (NAME, *manifest.parts):
                tar.add(draft / name, arcname=name)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(target)


def digest(path: Path) -> str:
    """Give the SHA-256 of a file, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()
