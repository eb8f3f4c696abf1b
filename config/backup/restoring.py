"""Restores a backup into a data folder that is not there yet."""

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

from pydantic import ValidationError

from config.backup.manifest import FORMAT, KEYS, NAME, REDIS, Manifest
from config.backup.taking import digest
from config.errors import BackupFailed
from config.folder import stamp

AOF = "appendonlydir"
BASE, INCREMENT = "appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"
AOF_MANIFEST = f"file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n"


def restore(source: Path, data_dir: Path, *, keys: Path | None) -> Manifest:
    """Restore a backup: the folder is there whole afterwards, or not at all.

    `keys`: the file of secret keys, for a backup without them. Raises BackupFailed.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        raise BackupFailed(f"{data_dir} is not empty: restore into a new folder (HUB_DATA_DIR).")
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(prefix=f".{data_dir.name}-", dir=data_dir.parent))
    try:
        manifest = _unpack(source, draft)
        if not manifest.has_keys and keys is None:
            ids = ", ".join(manifest.key_ids)
            raise BackupFailed(f"The secret keys ({ids}) are not in it: name their file, --keys.")
        if keys is not None:
            shutil.copyfile(keys, draft / KEYS)
        if (draft / KEYS).exists():
            (draft / KEYS).chmod(0o600)
        _lay_out(draft, manifest.valkey)
        if data_dir.exists():
            data_dir.rmdir()
        draft.rename(data_dir)
    except (OSError, tarfile.TarError) as error:
        raise BackupFailed(f"{source} cannot be restored: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _unpack(source: Path, draft: Path) -> Manifest:
    with tarfile.open(source) as tar:
        members = iter(tar)
        first = next(members, None)
        if first is None or first.name != NAME:
            raise BackupFailed(f"{source} is no backup of a hub: it does not begin with {NAME}.")
        manifest = _manifest(source, tar, first)
        for member in members:
            name = PurePosixPath(member.name)
            file = tar.extractfile(member) if member.isfile() else None
            if member.name not in manifest.parts or {"..", "/"} & {*name.parts} or file is None:
                raise BackupFailed(f"{source} holds {member.name}, which its manifest does not.")
            (draft / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (draft / name).open("wb") as written:
                shutil.copyfileobj(file, written)
    for part_name, part in manifest.parts.items():
        path = draft / part_name
        if not path.is_file() or path.stat().st_size != part.size or digest(path) != part.sha256:
            raise BackupFailed(f"{source} is damaged: {part_name} is not what it was.")
    return manifest


def _manifest(source: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    file = tar.extractfile(member)
    try:
        manifest = Manifest.model_validate_json(file.read() if file else b"")
    except ValidationError as error:
        raise BackupFailed(
            f"{source} is no backup of a hub: {error.error_count()} faults"
        ) from None
    if manifest.format > FORMAT:
        raise BackupFailed(
            f"{source} was written by release {manifest.release}, whose format is not known here."
        )
    return manifest


def _lay_out(draft: Path, server: str) -> None:
    # A server with an append-only file reads nothing else, so the snapshot becomes its beginning.
    (draft / "valkey").mkdir(mode=0o700)
    stamp(draft / "valkey", server)
    folder = draft / "valkey" / AOF
    folder.mkdir(mode=0o700)
    (draft / REDIS).rename(folder / BASE)
    (folder / INCREMENT).touch()
    (folder / "appendonly.aof.manifest").write_text(AOF_MANIFEST)
