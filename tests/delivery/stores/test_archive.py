"""What has ended is kept, packed, forgotten in time, and found again."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from delivery.facts.block import Ended, EndedAs, pack
from delivery.facts.integration import IntegrationId
from delivery.facts.operation import Count, Selection
from delivery.facts.times import to_ms
from delivery.stores import archive as archives
from delivery.stores.archive import ENOUGH, FULL_COUNT, Archive
from delivery.stores.keys import INTEGRATIONS, PACKING, Keys
from delivery.stores.store import Store
from delivery.work.archiving import EVERY, Archiving
from tests.fakes.clock import FakeClock
from tests.fakes.statements import statements

ACME = IntegrationId("acme")
KEYS = Keys(ACME)
AGE = timedelta(days=7)


@dataclass
class Shelf:
    """One integration's archive, and a clock."""

    store: Store
    clock: FakeClock
    archive: Archive

    async def end(self, *numbers: int, size: int = 1) -> list[Ended]:
        """Let statements end, so many in a window."""
        made = [
            Ended(s.id, s.digest, self.clock(), self.clock(), EndedAs.DELIVERED, 200, s.body)
            for number in numbers
            for s in statements(1, start=number)
        ]
        for start in range(0, len(made), size):
            block = pack(made[start : start + size])
            await self.store.ask(
                (
                    *("XADD", KEYS.ended, f"{to_ms(self.clock())}-*"),
                    *("z", block.packed, "n", block.count, "s", block.size),
                )
            )
        return made

    async def found(self, after: str = "") -> list[Ended]:
        pages = self.archive.pages(ACME, after=after, until=None)
        return [one async for page in pages for one in page.statements]

    async def lengths(self) -> tuple[int, int]:
        loose, packed = await self.store.ask(("XLEN", KEYS.ended), ("XLEN", KEYS.archive))
        return loose, packed


@pytest.fixture
async def shelf(store: Store) -> Shelf:
    clock = FakeClock()
    return Shelf(store, clock, Archive(store, clock, AGE))


async def test_small_windows_become_large_blocks_and_nothing_is_missing(shelf: Shelf) -> None:
    made = await shelf.end(*range(600))

    blocks = await shelf.archive.tidy([ACME])

    loose, packed = await shelf.lengths()
    assert (loose < ENOUGH, packed) == (True, blocks)
    assert blocks <= 600 / ENOUGH
    assert await shelf.found() == made


async def test_a_few_windows_are_left_as_they_are(shelf: Shelf) -> None:
    await shelf.end(*range(ENOUGH - 1))

    assert await shelf.archive.tidy([ACME]) == 0
    assert await shelf.lengths() == (ENOUGH - 1, 0)


async def test_a_window_that_is_large_already_is_moved_as_it_is(shelf: Shelf) -> None:
    made = await shelf.end(*range(FULL_COUNT * 2), size=FULL_COUNT)
    made += await shelf.end(*range(FULL_COUNT * 2, FULL_COUNT * 2 + ENOUGH))
    (before,) = await shelf.store.ask(("XRANGE", KEYS.ended, "-", "+", "COUNT", 1))

    await shelf.archive.tidy([ACME])

    (after,) = await shelf.store.ask(("XRANGE", KEYS.archive, "-", "+", "COUNT", 1))
    (_, moved), (_, loose) = after[0], before[0]
    assert {name: moved[name] for name in loose} == loose
    assert await shelf.found() == made


async def test_two_that_pack_at_once_pack_everything_once(shelf: Shelf) -> None:
    made = await shelf.end(*range(200))
    (entries,) = await shelf.store.ask(("XRANGE", KEYS.ended, "-", "+"))
    read = [(place, fields) for place, fields in entries]

    await shelf.archive.tidy([ACME])
    late = await shelf.archive._replace(KEYS, read)

    assert late == 0
    assert await shelf.found() == made


async def test_what_is_packed_while_it_is_read_is_read_all_the_same(shelf: Shelf) -> None:
    made = await shelf.end(*range(200))
    found: list[Ended] = []

    async for page in shelf.archive.pages(ACME, after="", until=None):
        found.extend(page.statements)
        if len(found) == 20:
            await shelf.archive.tidy([ACME])

    # The packed block holds some that were read before: whoever reads must bear repetition.
    assert set(ids_of(found)) == set(ids_of(made))


async def test_what_is_too_old_is_forgotten(shelf: Shelf) -> None:
    await shelf.end(*range(ENOUGH))
    await shelf.archive.tidy([ACME])
    await shelf.end(100, 101)
    shelf.clock.move(days=7, seconds=60)

    await shelf.archive.tidy([ACME])

    assert await shelf.found() == []


async def test_a_count_is_exact_to_the_statement(shelf: Shelf) -> None:
    first = await shelf.end(*range(100))
    shelf.clock.move(seconds=10)
    second = await shelf.end(*range(100, 130), size=7)
    await shelf.archive.tidy([ACME])

    whole = await shelf.archive.count(ACME, Selection(outcome=EndedAs.DELIVERED))
    discarded = await shelf.archive.count(ACME, Selection(outcome=EndedAs.DISCARDED))
    since = await shelf.archive.count(ACME, Selection(since=shelf.clock()))
    until = await shelf.archive.count(ACME, Selection(until=shelf.clock()))
    none = await shelf.archive.count(ACME, Selection(status=409))

    assert since == Count(30, sum(len(s.body) for s in second), second[0].accepted_at)
    assert until == Count(100, sum(len(s.body) for s in first), first[0].accepted_at)
    assert none == discarded == Count()
    assert whole == since + until


@pytest.mark.parametrize("packed", [True, False])
async def test_one_statement_is_found_by_when_it_ended(shelf: Shelf, *, packed: bool) -> None:
    made: list[Ended] = []
    for number in range(0, 200, 2):
        made += await shelf.end(number, number + 1, size=2)
        shelf.clock.move(seconds=7)
    if packed:
        await shelf.archive.tidy([ACME])

    for one in (made[0], made[71], made[-1]):
        assert await shelf.archive.find(ACME, one.id, one.ended_at) == one
    assert await shelf.archive.find(ACME, made[0].id, shelf.clock()) is None


async def test_the_search_for_one_statement_ends(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_SOUGHT", 5)
    made = await shelf.end(*range(10))

    assert await shelf.archive.find(ACME, made[4].id, made[4].ended_at) == made[4]
    assert await shelf.archive.find(ACME, made[5].id, made[5].ended_at) is None


async def test_reading_stops_behind_the_end_of_what_is_asked_for(shelf: Shelf) -> None:
    await shelf.end(1)
    now = shelf.clock()
    shelf.clock.move(hours=1)
    await shelf.end(*range(2, 22))

    pages = [page async for page in shelf.archive.pages(ACME, after="", until=now)]

    assert len(pages) == 2


async def test_one_worker_tidies_for_all_of_a_minute(shelf: Shelf) -> None:
    await shelf.store.ask(("SADD", INTEGRATIONS, ACME, "unheard-of"))
    await shelf.end(*range(ENOUGH))
    first, second = (Archiving(shelf.store, shelf.archive, name) for name in ("one", "two"))

    assert [await first.run(), await second.run()] == [1, 0]

    (left,) = await shelf.store.ask(("PTTL", PACKING))
    assert 0 < left <= EVERY.total_seconds() * 1000


def ids_of(found: list[Ended]) -> list[str]:
    return [one.id for one in found]
