"""Under which key raw bytes are kept: by source, date and what they are. Pure."""

import re
from datetime import UTC, datetime

KEY = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
UNPACKED = ".unpacked"


def key_for(source_id: str, landed_at: datetime, sha256: str) -> str:
    """Give the key of what landed: `<source>/<year>/<month>/<day>/<sha256>`."""
    return f"{source_id}/{landed_at.astimezone(UTC):%Y/%m/%d}/{sha256}"


def unpacked(key: str) -> str:
    """Give the key of what was packed in the bytes under `key`."""
    return key + UNPACKED


def is_key(text: str) -> bool:
    """Say whether a key leads to a place within the store, and to no other."""
    return KEY.fullmatch(text) is not None and ".." not in text.split("/")
