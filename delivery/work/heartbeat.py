"""The clock in every worker: rings for what is due, and once a minute mends what no index holds.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:due` | zset | integration id, score = when it wants attention | - |
| `hub:mail` | zset | integration id, score = when to send its alert | - |
| `hub:beats` | zset | worker process, score = its last beat (ms) | a day |
| `hub:workers` | hash | worker process, and what it says of itself | a day |
| `hub:sweep` | string | the worker that sweeps this minute | SWEEP |
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from delivery.facts.doorbell import Doorbell, Work
from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.status import Status
from delivery.facts.times import Clock, from_ms, length_ms, to_ms
from delivery.facts.vital_signs import Sign
from delivery.stores import scripts
from delivery.stores.keys import BEATS, DUE, INTEGRATIONS, MAIL, SWEEP, WORKERS
from delivery.stores.lease import GRACE
from delivery.stores.meters import Meters
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store

BEAT = timedelta(seconds=1)
SWEEP_EVERY = timedelta(seconds=60)
MAIL_GRACE = timedelta(minutes=1)
AT_ONCE = 500
IN_ONE_RING = 50
FORGOTTEN = timedelta(days=1)

log = structlog.get_logger()


class Registry(Protocol):
    """The registry, as the sweep needs it."""

    async def reconcile(self) -> int:
        """Tell delivery of every integration it has not heard of rightly; give how many."""
        ...


class Drains(Protocol):
    """The drains of this process, as the heartbeat tells of them."""

    @property
    def count(self) -> int:
        """How many are open."""
        ...

    @property
    def oldest(self) -> timedelta:
        """How long the oldest has been open."""
        ...


@dataclass(frozen=True, slots=True)
class Body:
    """What beats: where it runs, which release it is, and what it has in hand."""

    host: str
    release: str
    running: Drains


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Rings for what is due. Every worker runs one; none of them matters alone."""

    store: Store
    states: StatusStore
    registry: Registry
    meters: Meters
    doorbell: Doorbell
    clock: Clock
    name: str
    """The name of this process, unlike any other's."""
    body: Body
    """What it tells of itself with each beat."""

    async def run(self) -> None:
        """Beat for ever, also through times when Redis is away."""
        away = False
        while True:
            try:
                await self.beat()
                if away:
                    log.info("redis.back")
                away = False
            except StoreUnavailable as error:
                if not away:
                    log.warning("redis.away", error=str(error))
                away = True
            except Exception:
                # The clock must outlive every bug: without it nothing is ever due.
                log.exception("heartbeat.failed")
            await asyncio.sleep(BEAT.total_seconds())

    async def beat(self) -> None:
        """Ring for what is due now. Raises StoreUnavailable."""
        now = self.clock()
        await self._ring_drains(now)
        await self._ring_mails(now)
        await self.meters.flush()
        sign = await self._sign()
        _, _, mine = await self.store.ask(
            ("ZADD", BEATS, to_ms(now), self.name),
            ("HSET", WORKERS, self.name, sign.write()),
            ("SET", SWEEP, self.name, "NX", "PX", length_ms(SWEEP_EVERY)),
        )
        if mine:
            await self.sweep(now)

    async def take_leave(self) -> None:
        """Say that this worker ends in good order, and is not to be missed."""
        await self.store.ask(("ZREM", BEATS, self.name), ("HDEL", WORKERS, self.name))

    async def _sign(self) -> Sign:
        before = self.clock()
        ((seconds, micros),) = await self.store.ask(("TIME",))
        now = self.clock()
        theirs = from_ms(int(seconds) * 1000 + int(micros) // 1000)
        # Half-way between the question and the answer is when Redis looked at its clock.
        return Sign(
            name=self.name,
            host=self.body.host,
            release=self.body.release,
            at=now,
            skew=before + (now - before) / 2 - theirs,
            drains=self.body.running.count,
            oldest_drain=self.body.running.oldest,
        )

    async def _ring_drains(self, now: datetime) -> None:
        reply = await self.store.run(
            scripts.CLAIM_DUE, [DUE], to_ms(now), length_ms(GRACE), AT_ONCE
        )
        words = (
            [w.decode() for w in reply if isinstance(w, bytes)] if isinstance(reply, list) else []
        )
        statuses = dict(zip(words[::2], words[1::2], strict=True))
        probes = [IntegrationId(i) for i, status in statuses.items() if status == Status.DOWN]
        drains = [IntegrationId(i) for i, status in statuses.items() if status != Status.DOWN]
        self._ring(Work.PROBE, probes)
        self._ring(Work.DRAIN, drains)

    async def _ring_mails(self, now: datetime) -> None:
        (due,) = await self.store.ask(
            ("ZRANGEBYSCORE", MAIL, "-inf", to_ms(now), "LIMIT", 0, AT_ONCE)
        )
        if due:
            again = to_ms(now + MAIL_GRACE)
            await self.store.ask(*(("ZADD", MAIL, "XX", again, i) for i in due))
        self._ring(Work.MAIL, [IntegrationId(i.decode()) for i in due])

    def _ring(self, work: Work, ids: list[IntegrationId]) -> None:
        for start in range(0, len(ids), IN_ONE_RING):
            self.doorbell.ring(work, ids[start : start + IN_ONE_RING])

    async def sweep(self, now: datetime) -> None:
        """Mend what is in no index, and tell delivery what the registry knows better."""
        known, gone = await self.store.ask(
            ("SMEMBERS", INTEGRATIONS),
            ("ZRANGEBYSCORE", BEATS, "-inf", to_ms(now - FORGOTTEN)),
        )
        if gone:
            await self.store.ask(("ZREM", BEATS, *gone), ("HDEL", WORKERS, *gone))
        mended = 0
        for integration_id in known:
            mended += await self.states.repair(IntegrationId(integration_id.decode()))
        reconciled = await self.registry.reconcile()
        log.info("sweep.ended", known=len(known), mended=mended, reconciled=reconciled)


async def last_beat(store: Store) -> datetime | None:
    """Tell when any worker last beat; None if none ever did."""
    (newest,) = await store.ask(("ZRANGE", BEATS, 0, 0, "REV", "WITHSCORES"))
    return from_ms(newest[0][1]) if newest else None
