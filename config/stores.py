"""The way to Redis: clients with explicit limits, and a look at how safe the server is.

Addresses: `redis://`, `rediss://`, `unix://`, and `redis+sentinel://[user:pw@]h1:p,h2:p/name[/db]`.
No client repeats a command by itself: a write whose answer was lost may have been done, and only
its author knows whether doing it twice does harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict
from urllib.parse import parse_qsl, urlencode

from redis import BlockingConnectionPool as BlockingPool
from redis import Redis as BlockingRedis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry as BlockingRetry
from redis.sentinel import Sentinel as BlockingSentinel

from config.errors import StoreAway, UnsafeStore
from config.sentinel import SCHEME, read_sentinel
from config.settings import Settings
from config.valkey import address

CONNECT_SECONDS = 1.0
SOCKET_SECONDS = 5.0
HEALTH_CHECK_SECONDS = 15
CONNECTIONS = 128
"""As many round trips at once; further ones wait for one of them to end."""


class Weight(StrEnum):
    """How loudly a finding is told."""

    NOTE = "note"
    WARNING = "warning"


class Limits(TypedDict):
    """How long a client waits, and how it notices that nobody is there."""

    socket_connect_timeout: float
    socket_timeout: float
    health_check_interval: int
    retry: Retry | BlockingRetry


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the Redis server that an operator should know."""

    weight: Weight
    text: str


def locate(settings: Settings) -> str:
    """Say where Redis is: what the settings name, else the embedded server on the data folder."""
    found = settings.redis_url or address(settings.data_dir / "valkey")
    if found is None:
        raise StoreAway(
            f"HUB_REDIS_URL is not set and no embedded server runs on {settings.data_dir}. "
            "Start one with `hub run`."
        )
    return found


def open_redis(url: str) -> Redis:
    """Make the asynchronous client; it connects when it is first used."""
    if url.startswith(SCHEME):
        at = read_sentinel(url)
        limits = _limits(Retry(NoBackoff(), 0))
        sentinel = Sentinel(at.hosts, sentinel_kwargs={**limits, **at.login()}, **limits)  # type: ignore[no-untyped-call]  # redis-py left Sentinel untyped
        master: Redis = sentinel.master_for(at.name, db=at.database, **at.login())
        return master
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=CONNECT_SECONDS,
        **_limits(Retry(NoBackoff(), 0)),
    )
    return Redis.from_pool(pool)


def open_broker_redis(url: str) -> BlockingRedis:
    """Make the client of the work transport, in the database next to the statements'.

    Its scripts look through every key of their database, so it may not be the statements' own.
    """
    if url.startswith(SCHEME):
        at = read_sentinel(url)
        limits = _limits(BlockingRetry(NoBackoff(), 0))
        sentinel = BlockingSentinel(at.hosts, sentinel_kwargs={**limits, **at.login()}, **limits)  # type: ignore[no-untyped-call]  # as above
        master: BlockingRedis = sentinel.master_for(at.name, db=at.database + 1, **at.login())  # type: ignore[no-untyped-call]  # as above
        return master
    pool = BlockingPool.from_url(
        _next_database(url),
        max_connections=CONNECTIONS,
        timeout=CONNECT_SECONDS,
        **_limits(BlockingRetry(NoBackoff(), 0)),
    )
    return BlockingRedis.from_pool(pool)


async def check_durability(redis: Redis) -> list[Finding]:
    """Look whether the server keeps what it is given; refuse one that throws statements away."""
    try:
        answer: Mapping[str | None, str | None] = await redis.config_get(
            "maxmemory-policy", "appendonly", "appendfsync"
        )
    except ResponseError:
        answer = await _from_info(redis)
    said = {str(name): str(value) for name, value in answer.items()}
    policy = said.get("maxmemory-policy", "unknown")
    if policy.startswith("allkeys-"):
        raise UnsafeStore(
            f"Redis has maxmemory-policy {policy}: when memory runs out it would delete statements "
            "that were accepted. Set it to noeviction."
        )
    return [*_about_eviction(policy), *_about_disk(said)]


def _next_database(url: str) -> str:
    address, _, query = url.partition("?")
    options = {**dict(parse_qsl(query)), "db": str(int(parse_url(url).get("db", 0)) + 1)}
    return f"{address}?{urlencode(options)}"


def _limits(retry: Retry | BlockingRetry) -> Limits:
    return Limits(
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=SOCKET_SECONDS,
        health_check_interval=HEALTH_CHECK_SECONDS,
        retry=retry,
    )


async def _from_info(redis: Redis) -> Mapping[str | None, str | None]:
    # Managed servers often forbid CONFIG; INFO knows all but how often they write to disk.
    said = {**await redis.info("memory"), **await redis.info("persistence")}
    return {
        "maxmemory-policy": str(said.get("maxmemory_policy", "unknown")),
        "appendonly": {"1": "yes", "0": "no"}.get(str(said.get("aof_enabled")), "unknown"),
        "appendfsync": "unknown",
    }


def _about_eviction(policy: str) -> list[Finding]:
    if policy == "noeviction":
        return []
    if policy == "unknown":
        return [
            Finding(Weight.NOTE, "Redis does not tell its maxmemory-policy; see to noeviction.")
        ]
    text = (
        f"Redis has maxmemory-policy {policy}: keys with a lifetime may go early. Use noeviction."
    )
    return [Finding(Weight.WARNING, text)]


def _about_disk(said: Mapping[str, str]) -> list[Finding]:
    match said.get("appendonly"), said.get("appendfsync"):
        case "yes", "always":
            return []
        case "yes", "everysec":
            text = "appendfsync is everysec: a power cut may lose the last second."
            return [Finding(Weight.NOTE, text)]
        case "yes", "no":
            text = "appendfsync is no: a power cut may lose what was accepted last."
            return [Finding(Weight.WARNING, text)]
        case "no", _:
            text = "appendonly is off: a restart of Redis loses accepted statements. Turn it on."
            return [Finding(Weight.WARNING, text)]
        case _:
            text = "Redis does not tell how it writes to disk; see to an append-only file."
            return [Finding(Weight.NOTE, text)]
