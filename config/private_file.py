"""Files that only their owner can read, written whole or not at all."""

import os
import secrets
from pathlib import Path


def create_private(path: Path, text: str) -> None:
    """Write the file unless it exists: one that is there stays as it is."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write_through(draft, text)
    try:
        # link() refuses to overwrite: of two processes that start at once, both read one key.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def replace_private(path: Path, text: str) -> None:
    """Write the file in place of the one that was there, at one stroke."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write_through(draft, text)
    draft.replace(path)
    _sync_folder(path.parent)


def _write_through(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
