"""Where raw bytes are kept: under a key by source, date and what they are, or in a bundle. Pure.

A place is a key, or `<key>@<start>+<size>`: some of the bytes under it, kept there with others that
came at the same time.
"""

import re
from datetime import UTC, datetime
from uuid import uuid4

KEY = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
PART = re.compile(r"(?P<key>[^@]+)@(?P<start>\d+)\+(?P<size>\d+)", re.ASCII)
UNPACKED = ".unpacked"


def key_for(source_id: str, landed_at: datetime, sha256: str) -> str:
    """Give the key of what landed: `<source>/<year>/<month>/<day>/<sha256>`."""
    return f"{source_id}/{landed_at.astimezone(UTC):%Y/%m/%d}/{sha256}"


def bundle_for(source_id: str, landed_at: datetime, sha256: str) -> str:
    """Give the key of a bundle; nobody else has it, so that whoever made it may remove it."""
    return f"{key_for(source_id, landed_at, sha256)}.{uuid4().hex[:8]}"


def part_of(bundle: str, start: int, size: int) -> str:
    """Give the place of some of the bytes of a bundle."""
    return f"{bundle}@{start}+{size}"


def bundle_of(place: str) -> str | None:
    """Give the key of the bundle that a place is in; None if it is in none."""
    part = PART.fullmatch(place)
    return part["key"] if part else None


def within(place: str, start: int, length: int) -> tuple[str, int, int]:
    """Say under which key, from where on, and how many bytes are to be read for some of a place."""
    part = PART.fullmatch(place)
    if part is None:
        return place, start, length
    return part["key"], int(part["start"]) + start, max(0, min(length, int(part["size"]) - start))


def size_of(place: str) -> int | None:
    """Give the size of a part; None for a key, which does not say it."""
    part = PART.fullmatch(place)
    return int(part["size"]) if part else None


def unpacked(place: str) -> str:
    """Give the key of what was packed in the bytes at `place`."""
    return place.replace("@", ".").replace("+", "-") + UNPACKED


def is_key(text: str) -> bool:
    """Say whether a key leads to a place within the store, and to no other."""
    return KEY.fullmatch(text) is not None and ".." not in text.split("/")
