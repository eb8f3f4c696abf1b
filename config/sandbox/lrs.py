"""The memory of the LRS: every id ever taken in, and the latest bodies byte for byte."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from config.sandbox.comparison import same_content
from config.sandbox.errors import RefusedRequest
from config.sandbox.incoming import Incoming
from config.sandbox.moments import written

LARGEST_BODY = 5 * 1024 * 1024
AUTHORITY_HOME = "https://sandbox.invalid/clients"


class Held(Struct, frozen=True, gc=False):
    """A statement at its place, never changed again."""

    id: str
    body: bytes
    place: int
    stored: datetime
    client: str


class Lrs:
    """What is held, and by which rules statements are taken in."""

    def __init__(self, keep_bodies: int) -> None:
        self._keep_bodies = keep_bodies
        self._known: dict[str, Held | int] = {}
        self._kept: deque[Held] = deque()
        self.forget()

    def forget(self) -> None:
        """Go back to an empty LRS with honest bounds."""
        self._known.clear()
        self._kept.clear()
        self.received = 0
        self.attempts = 0
        self.lenient = False
        self.max_body: int | None = None
        self.max_batch: int | None = None
        self.reject: frozenset[str] = frozenset()

    @property
    def held(self) -> int:
        return len(self._known)

    @property
    def body_limit(self) -> int:
        return self.max_body or LARGEST_BODY

    def ids(self) -> list[str]:
        """Return all ids, in the order in which they were first stored."""
        return list(self._known)

    def holds(self, statement_id: str) -> bool:
        return statement_id.lower() in self._known

    def find(self, statement_id: str) -> Held | None:
        """Return a statement; None if it never came, or its body is forgotten."""
        found = self._known.get(statement_id.lower())
        return found if isinstance(found, Held) else None

    def body(self, statement_id: str) -> bytes | None:
        """Return exactly what was sent."""
        found = self.find(statement_id)
        return None if found is None else found.body

    def latest(self, count: int) -> list[Held]:
        """Return the last statements, newest first."""
        reach = range(1, min(count, len(self._kept)) + 1)
        return [self._kept[-back] for back in reach]

    def kept(self) -> Sequence[Held]:
        """Return all statements whose bodies are still here, oldest first."""
        return self._kept

    def take(self, statements: Sequence[Incoming], *, at: datetime, client: str) -> list[str]:
        """Store the statements, all or none; return their ids in order."""
        self._refuse_rejected(statements)
        for statement in statements:
            self._refuse_conflict(statement)
        for statement in statements:
            if statement.id not in self._known:
                self._store(statement, at, client)
        self.received += len(statements)
        return [statement.id for statement in statements]

    def _refuse_rejected(self, statements: Sequence[Incoming]) -> None:
        if self.max_batch is not None and len(statements) > self.max_batch:
            raise RefusedRequest(413, f"more than {self.max_batch} statements in one request")
        if not self.reject:
            return
        guilty = [one.id for one in statements if one.id in self.reject]
        if guilty:
            raise RefusedRequest(400, f"this LRS does not like statement {', '.join(guilty)}")

    def _refuse_conflict(self, statement: Incoming) -> None:
        known = self._known.get(statement.id)
        if known is None:
            return
        if isinstance(known, Held):
            same = same_content(known.body, statement.body)
        else:
            # The body is forgotten; of it only a hash of the bytes is left to compare.
            same = known == hash(statement.body)
        if not same:
            raise RefusedRequest(409, f"statement {statement.id} is held with other content")

    def _store(self, statement: Incoming, at: datetime, client: str) -> None:
        held = Held(statement.id, statement.body, len(self._known), at, client)
        self._known[statement.id] = held
        self._kept.append(held)
        if len(self._kept) > self._keep_bodies:
            oldest = self._kept.popleft()
            self._known[oldest.id] = hash(oldest.body)


_parts = msgspec.json.Decoder(dict[str, Raw])


def as_read(held: Held) -> bytes:
    """Write a statement as an LRS gives it back: stamped, all else byte for byte as it came."""
    parts = _parts.decode(held.body)
    parts["id"] = _raw(held.id)
    parts["stored"] = _raw(written(held.stored))
    parts.setdefault("timestamp", parts["stored"])
    parts.setdefault("version", _raw("1.0.0"))
    parts["authority"] = _raw(_authority(held.client))
    return msgspec.json.encode(parts)


def _raw(content: object) -> Raw:
    return Raw(msgspec.json.encode(content))


def _authority(client: str) -> dict[str, object]:
    return {"objectType": "Agent", "account": {"homePage": AUTHORITY_HOME, "name": client}}
