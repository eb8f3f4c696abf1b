"""Who is calling, and what that key may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WARNED_BEFORE = timedelta(days=30)
"""How long before its end a key is warned of."""


class Right(StrEnum):
    """What a key may do with a program; who may write may read."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified key, as it was within the last seconds."""

    key_id: str
    user_id: str
    system: bool
    rights: Mapping[str, Right]
    expires_at: datetime | None = None

    @property
    def who(self) -> str:
        """What the audit calls this caller."""
        return f"{self.user_id} (key {self.key_id})"

    @property
    def programs(self) -> frozenset[str]:
        """The programs the key names; a system key may read all others too."""
        return frozenset(self.rights)

    def ends_soon(self, now: datetime) -> bool:
        """Say whether the key ends within a month."""
        return self.expires_at is not None and self.expires_at - now <= WARNED_BEFORE

    def may_read(self, program_id: str) -> bool:
        return self.system or program_id in self.rights

    def may_write(self, program_id: str) -> bool:
        return self.system or self.rights.get(program_id) is Right.WRITE
