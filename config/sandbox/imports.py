"""The memory of the LearningBuilder: the batches it took, newest kept longest."""

from collections import deque
from datetime import datetime

import msgspec
from msgspec import Struct

from config.sandbox.errors import RefusedBatch
from config.sandbox.moments import Clock, written

API_KEY = "sandbox-lb-key"
LARGEST_BATCH = 32 * 1024 * 1024

_row = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Batch(Struct, frozen=True):
    """One batch, as it came in; `body` holds a JSON object a line."""

    id: str
    at: datetime
    import_process_id: str
    file_name: str
    creation_path: str
    rows: int
    body: bytes

    def spoken(self) -> dict[str, object]:
        """Return what is known of the batch, without its rows, as plain JSON values."""
        return {
            "queueBatchId": self.id,
            "at": written(self.at),
            "importProcessId": self.import_process_id,
            "fileName": self.file_name,
            "creationPath": self.creation_path,
            "rows": self.rows,
        }

    def lines(self) -> list[msgspec.Raw]:
        """Return the rows, each as it was sent."""
        return [msgspec.Raw(line) for line in self.body.splitlines() if line.strip()]


class Imports:
    """The latest batches, and the rules by which batches are taken."""

    def __init__(self, clock: Clock, *, keep_bytes: int) -> None:
        self._clock = clock
        self._keep_bytes = keep_bytes
        self._batches: deque[Batch] = deque()
        self.forget()

    def forget(self) -> None:
        """Go back to an empty queue, honest rules and the key everybody knows."""
        self._batches.clear()
        self._bytes = 0
        self.attempts = 0
        self.received = 0
        self.api_key = API_KEY
        self.refuse: frozenset[int] = frozenset()

    def batches(self) -> list[Batch]:
        """Return the batches, newest first."""
        return list(reversed(self._batches))

    def find(self, batch_id: str) -> Batch | None:
        return next((batch for batch in self._batches if batch.id == batch_id), None)

    def take(self, query: dict[str, str], body: bytes, *, attempt: int) -> Batch:
        """Take a batch in, or refuse it whole. `attempt` says which it is of all, from one."""
        if attempt in self.refuse:
            raise RefusedBatch(400, f"this LearningBuilder does not like batch {attempt}")
        process = query.get("importProcessId", "")
        if not (process.isascii() and process.isdecimal()):
            raise RefusedBatch(400, f"importProcessId {process!r} is not a whole number")
        path = query.get("creationPath", "")
        if not _is_creation_path(path):
            raise RefusedBatch(400, f"creationPath {path!r} is not 1 to 15 of A-Z, 0-9 and _")
        batch = Batch(
            id=f"batch-{self.received + 1}",
            at=self._clock(),
            import_process_id=process,
            file_name=query.get("fileName", ""),
            creation_path=path,
            rows=_count(body),
            body=body,
        )
        self._keep(batch)
        return batch

    def _keep(self, batch: Batch) -> None:
        self.received += 1
        self._batches.append(batch)
        self._bytes += len(batch.body)
        while self._bytes > self._keep_bytes and len(self._batches) > 1:
            self._bytes -= len(self._batches.popleft().body)


def _is_creation_path(path: str) -> bool:
    return (
        1 <= len(path) <= 15
        and path.isascii()
        and path.replace("_", "A").isalnum()
        and (path == path.upper())
    )


def _count(body: bytes) -> int:
    lines = [line for line in body.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            _row.decode(line)
        except msgspec.MsgspecError as flaw:
            raise RefusedBatch(400, f"line {number} is not a JSON object: {flaw}") from flaw
    if not lines:
        raise RefusedBatch(400, "the body holds no row")
    return len(lines)
