"""What a technical contact is told of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from delivery.facts.times import from_ms, to_ms


class Kind(StrEnum):
    """What a contact is told of."""

    DOWN = "down"
    REFUSED = "refused"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in the server's own words, and when."""

    kind: Kind
    reason: str
    at: datetime

    def write(self) -> str:
        """Give the problem as it waits in Redis."""
        return orjson.dumps(
            {"kind": self.kind, "reason": self.reason, "at": to_ms(self.at)}
        ).decode()

    @classmethod
    def read(cls, text: bytes) -> "Problem":
        """Read what `write` wrote."""
        written = orjson.loads(text)
        return cls(Kind(written["kind"]), written["reason"], from_ms(written["at"]))
