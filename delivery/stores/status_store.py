"""Where each integration's delivery stands, kept in Redis.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:state` | hash | the fields below | until the integration is deleted |

| field | meaning |
| --- | --- |
| `status`, `since`, `reason` | as in `status.py`; the reason is the server's own words |
| `next` | when the next probe may go, while down |
| `refused_version` | the version that was refused, while refused |
| `revision`, `version` | the integration's, as last heard from the registry |
| `delivered`, `alerted` | when a statement, and when an alert, last went out |
| `alert` | the alert that is pending, see `alerts` |
| `fence`, `sent_<lane>` | see `lease` |
| `rung` | when intake last rang, so that a burst makes one ring |
| `largest` | the largest body that the LRS takes, once it said 413 |
| `release_through` | the last parked statement that a person released |

An integration without a state is one that delivery has not heard of: nothing is accepted for it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.status import Brief, Health, Heard, Status
from delivery.facts.times import Clock, from_ms, from_ms_or_none, to_ms
from delivery.stores import scripts
from delivery.stores.keys import DUE, INTEGRATIONS, LANES, MAIL, Keys
from delivery.stores.store import Command, Store

FIELDS = ("status", "since", "reason", "next", "delivered", "alerted")


class StatusStore:
    """Reads and changes the states, except where a drain does so in its own scripts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def apply(self, integration: Integration) -> bool:
        """Hear what an integration is now; True when there may be work to ring for. Repeatable."""
        keys = Keys(integration.id)
        reply = await self._store.run(
            scripts.APPLY,
            [keys.state, *keys.lanes(), keys.parked, DUE, INTEGRATIONS, keys.changes],
            to_ms(self._clock()),
            integration.id,
            integration.revision,
            integration.version,
            int(integration.enabled),
        )
        return reply == 1

    async def revisions(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, int | None]:
        """Give the revision that delivery last heard of, for each integration."""
        return {
            i: heard.revision if heard else None for i, heard in (await self.heard(ids)).items()
        }

    async def heard(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, Heard | None]:
        """Give what delivery last heard of each integration; None where it heard of none."""
        found = await self._store.ask(
            *(("HMGET", Keys(i).state, "revision", "version") for i in ids)
        )
        return {
            i: Heard(int(revision), int(version)) if revision else None
            for i, (revision, version) in zip(ids, found, strict=True)
        }

    async def health(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, Health]:
        """Tell how each integration's delivery stands."""
        found = await self._store.ask(*(command for i in ids for command in _questions(Keys(i))))
        size = 2 + 2 * len(LANES)
        return {i: _health(found[n * size : n * size + size]) for n, i in enumerate(ids)}

    async def briefly(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, Brief]:
        """Tell of each as much as it takes to choose some of many: a quarter of the questions."""
        found = await self._store.ask(
            *(question for i in ids for question in _brief_questions(Keys(i)))
        )
        statuses, parked = found[::2], found[1::2]
        return {
            i: Brief(_status(status), has_parked=count > 0)
            for i, status, count in zip(ids, statuses, parked, strict=True)
        }

    async def repair(self, integration_id: IntegrationId) -> bool:
        """Make an integration due that has work and is in no index; True if that was needed."""
        keys = Keys(integration_id)
        reply = await self._store.run(
            scripts.REPAIR,
            [keys.state, *keys.lanes(), keys.parked, DUE, MAIL],
            to_ms(self._clock()),
            integration_id,
        )
        return reply == 1


Entry = tuple[bytes, dict[bytes, bytes]]


def _questions(keys: Keys) -> tuple[Command, ...]:
    return (
        ("HMGET", keys.state, *FIELDS),
        ("XLEN", keys.parked),
        *(("XLEN", lane) for lane in keys.lanes()),
        *(("XRANGE", lane, "-", "+", "COUNT", 1) for lane in keys.lanes()),
    )


def _brief_questions(keys: Keys) -> tuple[Command, ...]:
    return (("HGET", keys.state, "status"), ("XLEN", keys.parked))


def _status(found: bytes | None) -> Status:
    return Status(found.decode()) if found else Status.FLOWING


def _health(found: Sequence[Any]) -> Health:
    (status, since, reason, next_attempt, delivered, alerted), parked, *lanes = found
    lengths, firsts = lanes[: len(LANES)], lanes[len(LANES) :]
    state = _status(status)
    return Health(
        status=state,
        since=from_ms_or_none(since),
        reason=reason.decode() if reason else None,
        next_attempt_at=from_ms_or_none(next_attempt) if state is Status.DOWN else None,
        queued=sum(lengths),
        parked=parked,
        oldest_queued_at=_oldest([entry for first in firsts for entry in first]),
        last_delivered_at=from_ms_or_none(delivered),
        last_alert_at=from_ms_or_none(alerted),
    )


def _oldest(entries: Sequence[Entry]) -> datetime | None:
    # What is replayed was accepted long ago, but waits only since it was lined up again.
    since = [int(fields.get(b"u") or fields[b"t"]) for _, fields in entries]
    return from_ms(min(since)) if since else None
