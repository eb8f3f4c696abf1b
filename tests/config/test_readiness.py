"""What is warned of before it keeps anything from going on."""

from pathlib import Path

import pytest
import redis.asyncio as aioredis

from config import clock
from config.readiness import Warnings, free_disk, of_disk, of_landing
from config.settings import Settings
from delivery.stores.store import Store
from delivery.vitality import Vitality
from hub.landing.folder import FolderLanding

GIB, MIB = 1024**3, 1024**2


@pytest.mark.parametrize(
    ("free", "total", "told"),
    [
        (50 * GIB, 100 * GIB, None),
        (2 * GIB, 100 * GIB, None),
        (GIB - 1, 100 * GIB, False),
        (300 * MIB, 2 * GIB, None),
        (255 * MIB, 2 * GIB, True),
        (100 * MIB, 100 * GIB, True),
    ],
)
def test_a_disk_that_runs_out_is_told(
    tmp_path: Path, free: int, total: int, *, told: bool | None
) -> None:
    settings = Settings(data_dir=tmp_path)

    found = of_disk(settings, lambda _: (free, total))

    assert [one.grave for one in found] == ([] if told is None else [told])


def test_a_disk_that_is_not_this_machines_is_not_looked_at(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        redis_url="redis://elsewhere",
        database_url="postgresql://elsewhere",
        secret_keys=("k" * 44,),
    )

    assert of_disk(settings, lambda _: (0, 1)) == []
    assert free_disk(settings) is None


def test_the_room_on_the_disk_is_a_number(tmp_path: Path) -> None:
    room = free_disk(Settings(data_dir=tmp_path))

    assert room is not None
    assert room() > 0


@pytest.mark.parametrize(
    ("policy", "told"), [("noeviction", False), ("volatile-lru", True), ("allkeys-lru", True)]
)
async def test_a_wrong_eviction_policy_is_told(
    empty_valkey_url: str, tmp_path: Path, policy: str, *, told: bool
) -> None:
    settings = Settings(data_dir=tmp_path)
    async with aioredis.Redis.from_url(empty_valkey_url) as redis:
        vitality = Vitality(Store(redis), clock.now)
        try:
            await redis.config_set("maxmemory-policy", policy)
            found = await Warnings(vitality, redis, FolderLanding(tmp_path), settings).find()
        finally:
            await redis.config_set("maxmemory-policy", "noeviction")

    assert any(policy in one.text for one in found) is told


async def test_a_landing_store_that_cannot_be_written_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    assert await of_landing(FolderLanding(tmp_path / "landing")) == []
    found = await of_landing(FolderLanding(tmp_path / "file"))

    assert [(one.about, one.grave) for one in found] == [("landing", False)]
