"""What the Redis server says of itself, as far as the safety of statements hangs on it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Server:
    """A Redis server at a moment."""

    memory_bytes: int
    memory_limit_bytes: int
    """0 when there is none."""
    keeps_log: bool
    """Whether it writes an append-only file."""
    last_write_ok: bool
    """Whether its last write of the log, and its last snapshot, went well."""
    answered_in: timedelta

    @property
    def memory_share(self) -> float:
        """How much of what it may use is used; 0 without a limit."""
        return self.memory_bytes / self.memory_limit_bytes if self.memory_limit_bytes else 0.0


def read_server(said: Mapping[str, Any], answered_in: timedelta) -> Server:
    """Read the sections `memory` and `persistence` of INFO."""
    writes = (said.get("aof_last_write_status"), said.get("rdb_last_bgsave_status"))
    return Server(
        memory_bytes=int(said.get("used_memory", 0)),
        memory_limit_bytes=int(said.get("maxmemory", 0)),
        keeps_log=bool(int(said.get("aof_enabled", 0))),
        last_write_ok=all(write in {"ok", None} for write in writes),
        answered_in=answered_in,
    )
