"""What is known of landed files, as facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import JsonValue


class FileState(StrEnum):
    """Where a file is on its road."""

    LANDED = "landed"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that has landed under `place` in the landing store.

    With `form`, what it is is known, and it is small enough to be one chunk. `bucket_object` names
    the object it is a copy of; `is_table`: it is only kept, to be looked up in. Without `is_kept`
    its bytes are not at `place`, but where a known file has the same.
    """

    source_id: str
    sha256: str
    name: str
    size: int
    place: str
    landed_at: datetime
    keep_for: timedelta | None = None
    proof: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    form: str | None = None
    bucket_object: str | None = None
    is_table: bool = False
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A landed file. Counts are of the last time it was read; `added` were not known before."""

    id: str
    source_id: str
    name: str
    sha256: str
    size: int
    place: str
    landed_at: datetime
    state: FileState
    generation: int
    rows: int
    statements: int
    added: int
    skipped: int
    failed: int
    skips: Mapping[str, JsonValue]
    trouble: str | None
    """What is wrong with the file, so that not all of it could be read."""
    waits_for: str | None
    """What is in the way at the moment, such as a full queue."""
    removed_at: datetime | None
    ended_at: datetime | None
    cut_through: int
    read_through: int
    """How many bytes have become statements; the chunks come in any order."""
    form: str | None
    unpacked: bool


@dataclass(frozen=True, slots=True)
class RecordFault:
    """A record of a file that made no statement, and why."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many files are not read to their end, and since when the oldest of them is there."""

    files: int
    oldest_since: datetime | None
