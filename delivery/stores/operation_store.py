"""Operations, kept in Redis with their progress.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:operation:<oid>` | hash | fields as in `_written`, times in ms | REMEMBERED |
| `hub:{id}:operations` | zset | operation id, score = when it began (ms) | the newest KEPT |
| `hub:operations` | zset | integration and operation id, score = when it goes on | until it ends |

What is to be done stands here, and nowhere else: a worker that dies leaves an operation where its
last step left it, and another goes on. A step and the new cursor are one script.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson

from delivery.facts.block import EndedAs
from delivery.facts.errors import UnknownIntegration
from delivery.facts.integration import IntegrationId
from delivery.facts.operation import (
    ENDED,
    FROM,
    Kind,
    Operation,
    OperationId,
    Selection,
    State,
    Verb,
)
from delivery.facts.operation import after as state_after
from delivery.facts.statement import StatementId
from delivery.facts.times import Clock, from_ms, from_ms_or_none, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import OPERATIONS, Keys
from delivery.stores.store import Store

REMEMBERED = timedelta(days=30)
KEPT = 200
GRACE = timedelta(seconds=10)
"""When an operation goes on if the worker that claimed it is never heard of."""

Due = tuple[IntegrationId, OperationId]


class OperationStore:
    """Writes operations down, finds them, and says which are to go on."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def open(self, operation: Operation) -> None:
        """Write a new operation down; it is due at once. Raises UnknownIntegration."""
        keys = Keys(operation.integration_id)
        known = await self._store.run(
            scripts.OPEN,
            [keys.state, _key(operation.integration_id, operation.id), keys.operations, OPERATIONS],
            to_ms(self._clock()),
            operation.id,
            _name(operation.integration_id, operation.id),
            KEPT,
            keys.operation,
            *_written(operation),
        )
        if known != 1:
            raise UnknownIntegration(f"no integration {operation.integration_id}")

    async def find(
        self, integration_id: IntegrationId, operation_id: OperationId
    ) -> Operation | None:
        """Return an operation; None if there is none, or it is forgotten by now."""
        (fields,) = await self._store.ask(("HGETALL", _key(integration_id, operation_id)))
        return _read(integration_id, fields) if fields else None

    async def list(
        self, integration_id: IntegrationId, *, limit: int, before: int | None = None
    ) -> list[Operation]:
        """Return operations, newest first; `before` a moment (ms), if one is said."""
        start = "+inf" if before is None else f"({before}"
        (ids,) = await self._store.ask(
            (
                *("ZRANGE", Keys(integration_id).operations, start, "-inf", "BYSCORE", "REV"),
                *("LIMIT", 0, limit),
            )
        )
        if not ids:
            return []
        keys = [_key(integration_id, OperationId(one.decode())) for one in ids]
        found = await self._store.ask(*(("HGETALL", key) for key in keys))
        return [_read(integration_id, fields) for fields in found if fields]

    async def steer(
        self, integration_id: IntegrationId, operation_id: OperationId, verb: Verb
    ) -> State | None:
        """Pause, resume, cancel or end an operation; give the state it has now, None if unknown.

        Where the verb means nothing (to pause what has ended) nothing changes.
        """
        operation = await self.find(integration_id, operation_id)
        if operation is None:
            return None
        to = state_after(verb, operation.kind, operation.state)
        reply = await self._store.run(
            scripts.STEER,
            [_key(integration_id, operation_id), OPERATIONS],
            to_ms(self._clock()),
            _name(integration_id, operation_id),
            to,
            length_ms(REMEMBERED) if to in ENDED else 0,
            *(operation.state,) if operation.state in FROM[verb] else (),
        )
        return State(reply.decode()) if isinstance(reply, bytes) and reply else None

    async def claim(self, limit: int) -> Sequence[Due]:
        """Give operations that are to go on; each is handed to one caller for GRACE."""
        now = self._clock()
        reply = await self._store.run(
            scripts.CLAIM_OPERATIONS,
            [OPERATIONS],
            to_ms(now),
            length_ms(GRACE),
            limit,
        )
        names = reply if isinstance(reply, list) else []
        return [_parse(name.decode()) for name in names if isinstance(name, bytes)]

    async def postpone(self, due: Due, until: datetime) -> None:
        """Let an operation go on at this time, unless it has ended or pauses."""
        await self._store.ask(("ZADD", OPERATIONS, "XX", to_ms(until), _name(*due)))

    async def drop(self, due: Due) -> None:
        """Take an operation that is not there any more out of the index."""
        await self._store.ask(("ZREM", OPERATIONS, _name(*due)))


def _key(integration_id: IntegrationId, operation_id: OperationId) -> str:
    return f"{Keys(integration_id).operation}{operation_id}"


def _name(integration_id: IntegrationId, operation_id: OperationId) -> str:
    return f"{integration_id} {operation_id}"


def _parse(name: str) -> Due:
    integration_id, _, operation_id = name.partition(" ")
    return IntegrationId(integration_id), OperationId(operation_id)


def _written(operation: Operation) -> list[str | int | bytes]:
    selection = operation.selection
    fields: dict[str, str | int | bytes] = {
        "id": operation.id,
        "kind": operation.kind,
        "state": operation.state,
        "since": _ms(selection.since),
        "until": _ms(selection.until),
        "status": selection.status or "",
        "outcome": selection.outcome or "",
        "ids": orjson.dumps(sorted(selection.ids)) if selection.ids is not None else "",
        "lane": operation.lane,
        "by": operation.by,
        "began": to_ms(operation.began_at),
        "moved_at": to_ms(operation.moved_at),
        "ended": _ms(operation.ended_at),
        "total": operation.total,
        "size": operation.size,
        "done": operation.done,
        "skipped": operation.skipped,
        "cursor": operation.cursor,
        "through": operation.through,
        "last": operation.last,
    }
    return [word for pair in fields.items() for word in pair]


def _read(integration_id: IntegrationId, fields: dict[bytes, bytes]) -> Operation:
    def text(name: str) -> str:
        return fields[name.encode()].decode()

    ids = fields[b"ids"]
    return Operation(
        id=OperationId(text("id")),
        integration_id=integration_id,
        kind=Kind(text("kind")),
        state=State(text("state")),
        selection=Selection(
            since=from_ms_or_none(fields[b"since"]),
            until=from_ms_or_none(fields[b"until"]),
            status=int(fields[b"status"]) if fields[b"status"] else None,
            outcome=EndedAs(text("outcome")) if fields[b"outcome"] else None,
            ids=frozenset(map(StatementId, orjson.loads(ids))) if ids else None,
        ),
        lane=text("lane"),
        by=text("by"),
        began_at=from_ms(fields[b"began"]),
        moved_at=from_ms(fields[b"moved_at"]),
        ended_at=from_ms_or_none(fields[b"ended"]),
        total=int(fields[b"total"]),
        size=int(fields[b"size"]),
        done=int(fields[b"done"]),
        skipped=int(fields[b"skipped"]),
        cursor=text("cursor"),
        through=text("through"),
        last=text("last"),
    )


def _ms(moment: datetime | None) -> int | str:
    return "" if moment is None else to_ms(moment)
