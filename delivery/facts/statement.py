"""One xAPI statement, as delivery sees it: an id, the bytes to send, a digest of its content."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

StatementId = NewType("StatementId", str)
"""A UUID in its canonical lower-case form."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement on its way: stamped, immutable, never parsed again.

    `body` is one JSON object, byte for byte as it will be posted. `digest` is equal for two
    statements exactly when their producers wrote the same content.
    """

    id: StatementId
    body: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A statement at its place in a queue, with what is known of its past."""

    lane: str
    """`front`, `queue` or `back`: the stream it stands in."""
    place: str
    """Its entry in that stream."""
    id: StatementId
    body: bytes
    digest: str
    accepted_at: datetime
    tried: bool
    """An earlier attempt may have arrived at the LRS."""
    traceparent: str = ""
    """The trace it belongs to, as W3C Trace Context writes it; empty if there is none."""
    replayed: bool = False
    """It had ended before, and somebody asked for it once more."""


def order(place: str | bytes) -> tuple[int, int]:
    """Give what places are compared by; an empty one is before all others."""
    text = place.decode() if isinstance(place, bytes) else place
    ms, _, sequence = text.partition("-")
    return (int(ms), int(sequence)) if text else (0, 0)
