"""What is remembered of keys between requests, so that most requests ask no database.

An answer serves for four seconds after it was asked for: with it, a revocation bites within five.
Answers are bounded in number, and unknown ids have room of their own, so that somebody who makes
ids up can neither fill the memory nor drive the known ones out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.registry.parties.caller import Caller
from hub.registry.sql.clock import Clock

FRESH = timedelta(seconds=4)
ROOM_FOR_KNOWN = 10_000
ROOM_FOR_UNKNOWN = 1_000


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What the database says of a key that is not revoked."""

    digest: str
    caller: Caller
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Answer:
    asked_at: datetime
    key: KnownKey | None


class KeyCache:
    """The last answers about keys, by id."""

    def __init__(self, read: Callable[[str], Awaitable[KnownKey | None]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, _Answer] = {}
        self._unknown: dict[str, _Answer] = {}
        self._asking: dict[str, asyncio.Task[KnownKey | None]] = {}

    async def find(self, key_id: str) -> KnownKey | None:
        """Return the key, from memory or from the database; None if it is not valid."""
        answer = self._known.get(key_id) or self._unknown.get(key_id)
        # A clock that was set back must not lengthen an answer's life.
        if answer and timedelta(0) <= self._clock() - answer.asked_at < FRESH:
            return answer.key
        # Shielded: others may wait for the same answer when this request is given up.
        return await asyncio.shield(self._asking.get(key_id) or self._start(key_id))

    def forget(self, key_id: str) -> None:
        self._known.pop(key_id, None)
        self._unknown.pop(key_id, None)

    def __len__(self) -> int:
        return len(self._known) + len(self._unknown)

    def _start(self, key_id: str) -> asyncio.Task[KnownKey | None]:
        asking = asyncio.create_task(self._ask(key_id))
        self._asking[key_id] = asking
        asking.add_done_callback(_take_note)
        return asking

    async def _ask(self, key_id: str) -> KnownKey | None:
        asked_at = self._clock()
        try:
            key = await self._read(key_id)
        finally:
            del self._asking[key_id]
        self._remember(key_id, _Answer(asked_at, key))
        return key

    def _remember(self, key_id: str, answer: _Answer) -> None:
        self.forget(key_id)
        answers, room = (
            (self._known, ROOM_FOR_KNOWN) if answer.key else (self._unknown, ROOM_FOR_UNKNOWN)
        )
        while len(answers) >= room:
            del answers[next(iter(answers))]
        answers[key_id] = answer


def _take_note(asking: asyncio.Task[KnownKey | None]) -> None:
    # Or asyncio complains of an error when nobody waits for the answer any more.
    if not asking.cancelled():
        asking.exception()
