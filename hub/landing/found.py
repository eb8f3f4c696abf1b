"""What is found in somebody's bucket: objects that can be read, and such as cannot. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Found:
    """An object in a bucket. `etag` changes when it is replaced."""

    key: str
    etag: str
    size: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object in a bucket that cannot be read, and why."""

    key: str
    reason: str


def objection(key: str) -> str | None:
    """Say why an object cannot be asked for by its key; None if it can."""
    parts = key.split("/")
    if "" in parts:
        return "a part of its name is empty"
    if not {".", ".."}.isdisjoint(parts):
        return "a part of its name is . or .."
    return "its name has a control character" if CONTROL.search(key) else None


def wrong_prefix(prefix: str) -> str | None:
    """Say why no bucket can be asked for what is below a prefix; None if it can."""
    reason = objection(prefix.removeprefix("/").removesuffix("/") or "all")
    return reason and reason.replace("its name", "it")
