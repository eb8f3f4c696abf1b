"""Where raw bytes are kept: under a key by source, date and what they are, or in a bundle. Pure.

A place is a key, or `<key>@<start>+<size>`: some of the bytes under it, kept there with others that
came at the same time.
"""

import re
from datetime import UTC, date, datetime
from uuid import uuid4

KEY = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
PART = re.compile(r"(?P<key>[^@]+)@(?P<start>\d+)\+(?P<size>\d+)", re.ASCII)
UNPACKED = ".unpacked"
DAY, TIME = "%Y/%m/%d", "%H%M%S%f"
OURS = re.compile(
    r"[^/]+/(?P<day>\d{4}/\d\d/\d\d)/(?P<sha256>[0-9a-f]{64})"
    r"(?:\.(?P<time>\d{12})-[0-9a-f]{8}(?:\.\d+-\d+)?)?(?:\.unpacked)?",
    re.ASCII,
)
"""What the keys look like that are made here."""
LEFT_OVER = re.compile(r".*/\.[^/]+\.part")
"""What a process leaves that is killed while it writes a file."""


def key_for(source_id: str, landed_at: datetime, sha256: str) -> str:
    """Give the key of what landed: `<source>/<year>/<month>/<day>/<sha256>`."""
    return f"{folder_of(source_id, landed_at.astimezone(UTC).date())}/{sha256}"


def folder_of(source_id: str, day: date) -> str:
    """Give what the keys of a source begin with that landed on a day."""
    return f"{source_id}/{day:{DAY}}"


def bundle_for(source_id: str, landed_at: datetime, sha256: str) -> str:
    """Give the key of a bundle; nobody else has it, so that whoever made it may remove it.

    It says when the files in it came: by that they are found.
    """
    time = f"{landed_at.astimezone(UTC):{TIME}}"
    return f"{key_for(source_id, landed_at, sha256)}.{time}-{uuid4().hex[:8]}"


def found_by(key: str) -> str | datetime | None:
    """Say by what the files can be found that may name a key.

    Those of a bundle by the moment at which they came, others by their SHA-256; None for what is no
    key of ours, and nobody's to remove.
    """
    ours = OURS.fullmatch(key)
    if ours is None or ours["time"] is None:
        return ours["sha256"] if ours else None
    written = f"{ours['day']} {ours['time']}"
    try:
        return datetime.strptime(written, f"{DAY} {TIME}").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_left_over(key: str) -> bool:
    """Say whether a key is what a write that was broken off has left."""
    return LEFT_OVER.fullmatch(key) is not None


def keys_of(place: str) -> frozenset[str]:
    """Give the keys that whoever has its bytes at a place needs."""
    return frozenset((bundle_of(place) or place, unpacked(place)))


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
