"""What the web process looks at before it calls the hub ready."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config import clock
from config.stores import Weight, check_durability
from delivery.heartbeat import last_beat
from delivery.store import Store
from hub.registry.database import Database

RECENT = timedelta(seconds=10)
"""Workers beat every second; who has not for so long is not there."""

Check = Callable[[], Awaitable[str | None]]

log = structlog.get_logger()


def checks(store: Store, database: Database) -> Mapping[str, Check]:
    """Give the looks that readiness takes; each answers what is missing, or None."""

    async def redis() -> str | None:
        await store.ask(("PING",))
        return None

    async def sql() -> str | None:
        await database.ping()
        return None

    async def worker() -> str | None:
        beat = await last_beat(store)
        if beat is None:
            return "no worker has ever beaten"
        silence = clock.now() - beat
        return f"no worker for {silence.total_seconds():.0f} s" if silence > RECENT else None

    return {"redis": redis, "sql": sql, "worker": worker}


async def tell_durability(redis: Redis) -> None:
    """Log what an operator should know of the Redis server; raise UnsafeStore where it must not be.

    A server that is away is no reason not to start: everything here connects again by itself.
    """
    try:
        findings = await check_durability(redis)
    except (RedisError, OSError) as error:
        log.warning("redis.away", error=str(error))
        return
    for finding in findings:
        tell = log.warning if finding.weight is Weight.WARNING else log.info
        tell("redis.durability", text=finding.text)
