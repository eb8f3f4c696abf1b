"""What is remembered of keys: briefly, in bounded number, asked for once."""

import asyncio

import pytest

from hub.errors import RegistryUnavailable
from hub.registry.parties.caller import Caller
from hub.registry.parties.key_cache import ROOM_FOR_KNOWN, ROOM_FOR_UNKNOWN, KeyCache, KnownKey
from tests.hub.registry.moved_clock import MovedClock
from tests.waiting import until


class Table:
    """Answers as the database would, and counts how often it is asked."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.asked: list[str] = []
        self.away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, key_id: str) -> KnownKey | None:
        self.asked.append(key_id)
        await self.may_answer.wait()
        if self.away:
            raise RegistryUnavailable("SQL is away")
        if key_id not in self.known:
            return None
        return KnownKey("digest", Caller(key_id, "alice", False, {}), None)


async def test_an_answer_serves_for_four_seconds(clock: MovedClock) -> None:
    table = Table()
    table.known.add("a")
    cache = KeyCache(table.read, clock)

    await cache.find("a")
    clock.move(3.9)
    assert await cache.find("a") is not None
    assert table.asked == ["a"]

    clock.move(0.1)
    await cache.find("a")
    assert table.asked == ["a", "a"]


async def test_an_unknown_id_is_remembered_too(clock: MovedClock) -> None:
    table = Table()
    cache = KeyCache(table.read, clock)

    assert await cache.find("a") is None
    assert await cache.find("a") is None

    assert table.asked == ["a"]


async def test_made_up_ids_neither_fill_the_memory_nor_drive_known_ones_out(
    clock: MovedClock,
) -> None:
    table = Table()
    table.known.add("good")
    cache = KeyCache(table.read, clock)
    await cache.find("good")

    for n in range(2 * ROOM_FOR_UNKNOWN):
        await cache.find(f"bad {n}")

    assert len(cache) == ROOM_FOR_UNKNOWN + 1
    table.asked.clear()
    assert await cache.find("good") is not None
    assert table.asked == []


async def test_known_keys_are_bounded_too(clock: MovedClock) -> None:
    table = Table()
    table.known = {f"k{n}" for n in range(ROOM_FOR_KNOWN + 5)}
    cache = KeyCache(table.read, clock)

    for key_id in sorted(table.known):
        await cache.find(key_id)

    assert len(cache) == ROOM_FOR_KNOWN


async def test_the_age_of_an_answer_counts_from_the_question(clock: MovedClock) -> None:
    table = Table()
    table.known.add("a")
    table.may_answer.clear()
    cache = KeyCache(table.read, clock)
    slow = asyncio.create_task(cache.find("a"))
    await until(lambda: table.asked == ["a"])
    clock.move(4)
    table.may_answer.set()
    await slow

    await cache.find("a")

    assert table.asked == ["a", "a"]


async def test_one_who_gives_up_does_not_spoil_it_for_the_others(clock: MovedClock) -> None:
    table = Table()
    table.known.add("a")
    table.may_answer.clear()
    cache = KeyCache(table.read, clock)
    impatient, patient = (asyncio.create_task(cache.find("a")) for _ in range(2))
    await until(lambda: table.asked == ["a"])

    impatient.cancel()
    await asyncio.wait([impatient])
    table.may_answer.set()

    assert await patient is not None
    assert table.asked == ["a"]


async def test_a_store_that_is_away_is_said_to_all_who_asked_and_asked_again(
    clock: MovedClock,
) -> None:
    table = Table()
    table.known.add("a")
    table.away = True
    cache = KeyCache(table.read, clock)

    outcomes = await asyncio.gather(*(cache.find("a") for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RegistryUnavailable] * 3
    assert table.asked == ["a"]

    table.away = False
    assert await cache.find("a") is not None


async def test_an_error_that_nobody_waits_for_is_not_complained_about(clock: MovedClock) -> None:
    table = Table()
    table.away = True
    table.may_answer.clear()
    cache = KeyCache(table.read, clock)
    impatient = asyncio.create_task(cache.find("a"))
    await until(lambda: table.asked == ["a"])
    impatient.cancel()
    table.may_answer.set()

    with pytest.raises(asyncio.CancelledError):
        await impatient
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    table.away = False
    assert await cache.find("a") is None
