"""What the web process looks at before it calls the hub ready, and what it warns of."""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config import clock
from config.errors import UnsafeStore
from config.settings import Settings
from config.stores import Weight, check_durability
from delivery.facts.vital_signs import Complaint, complaints
from delivery.stores.store import Store
from delivery.vitality import Vitality
from hub.errors import LandingUnavailable
from hub.landing.store import Landing
from hub.registry.sql.database import Database

LOW_DISK, SHORT_DISK = 1024**3, 256 * 1024**2
"""Bytes left: the first is warned of; with less than the second, intake stops."""
LOW_SHARE = 0.1

Check = Callable[[], Awaitable[str | None]]
Room = Callable[[Path], tuple[int, int]]

log = structlog.get_logger()


def checks(store: Store, database: Database) -> Mapping[str, Check]:
    """Give the looks that readiness takes; each answers what is missing, or None.

    What is wrong without keeping delivery from going on is warned of, see `Warnings`.
    """
    vitality = Vitality(store, clock.now)

    async def redis() -> str | None:
        await store.ask(("PING",))
        return None

    async def sql() -> str | None:
        await database.ping()
        return None

    async def worker() -> str | None:
        grave = [one.text for one in complaints(await vitality.look()) if one.grave]
        return "; ".join(grave) or None

    return {"redis": redis, "sql": sql, "worker": worker}


class Warnings:
    """Finds what an operator should know of, though everything goes on."""

    def __init__(
        self, vitality: Vitality, redis: Redis, landing: Landing, settings: Settings
    ) -> None:
        self._vitality = vitality
        self._redis = redis
        self._landing = landing
        self._settings = settings

    async def find(self) -> list[Complaint]:
        """Look at workers, Redis and disk. Raises StoreUnavailable."""
        found = complaints(await self._vitality.look())
        found += [*await self._of_eviction(), *await of_landing(self._landing)]
        return [*found, *of_disk(self._settings)]

    async def _of_eviction(self) -> list[Complaint]:
        try:
            findings = await check_durability(self._redis)
        except UnsafeStore as unsafe:
            return [Complaint("redis", str(unsafe), "CONFIG SET maxmemory-policy noeviction")]
        except (RedisError, OSError):
            return []
        return [
            Complaint("redis", one.text, "see OPERATIONS.md, Durability")
            for one in findings
            if one.weight is Weight.WARNING and "appendonly" not in one.text
        ]


async def of_landing(landing: Landing) -> list[Complaint]:
    """Say if nothing can be landed."""
    try:
        await landing.check()
    except LandingUnavailable as error:
        remedy = "see HUB_LANDING_URL; webhooks and uploads are refused, statements are not"
        return [Complaint("landing", str(error), remedy)]
    return []


def usage(folder: Path) -> tuple[int, int]:
    """Give the free and all bytes of a folder's disk."""
    found = shutil.disk_usage(folder)
    return found.free, found.total


def of_disk(settings: Settings, room: Room = usage) -> list[Complaint]:
    """Say if the disk of the embedded stores runs out."""
    if not settings.keeps_files or not settings.data_dir.exists():
        return []
    free, total = room(settings.data_dir)
    if free >= max(SHORT_DISK, min(LOW_DISK, total * LOW_SHARE)):
        return []
    more = "; intake is refused" if free < SHORT_DISK else ""
    return [
        Complaint(
            "disk",
            f"the disk of {settings.data_dir} has {free // 1024**2:,} MiB left{more}",
            "make room, or move HUB_DATA_DIR to a larger disk",
            grave=free < SHORT_DISK,
        )
    ]


def free_disk(settings: Settings) -> Callable[[], int] | None:
    """Give the question how much disk Redis has left, where that is this machine's."""
    if settings.redis_url is not None:
        return None
    return lambda: shutil.disk_usage(settings.data_dir).free


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
