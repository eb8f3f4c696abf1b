"""The record of attempts: bounded, paged from the newest, and never in the way."""

from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio as aioredis

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import StatementId, order
from delivery.stores import journal as journals
from delivery.stores import newest
from delivery.stores.journal import KEPT, Attempt, Journal
from delivery.stores.keys import Keys
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.registry import an_integration

ACME = IntegrationId("acme")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
async def journal(store: Store) -> Journal:
    """Make the journal of an integration that delivery knows."""
    await StatusStore(store, FakeClock()).apply(an_integration("acme"))
    return Journal(store)


def attempt(number: int, *, outcome: str = "accepted") -> Attempt:
    return Attempt(
        at=AT + timedelta(seconds=number),
        statement_ids=(StatementId(f"s-{number}"), StatementId("another")),
        outcome=outcome,
        status=None if number % 2 else 200 + number % 300,
        took=timedelta(milliseconds=number),
        answer='"ü" \n\x00 🎓',
        reason=None if number % 3 else "HTTP 503",
        url=None if number % 5 == 0 else "https://lrs.example.org/ü",
        xapi_version="1.0.3",
        size=number * 100,
        headers=(("Date", "today"), ("Set-Cookie", "***")) if number % 2 else (),
    )


async def pages(journal: Journal, *, limit: int, outcome: str | None = None) -> list[list[Attempt]]:
    """Read all pages, one after the other."""
    found, cursor = [], None
    while True:
        page, cursor = await journal.page(
            ACME,
            keep=lambda a: outcome is None or a.outcome == outcome,
            limit=limit,
            before=cursor,
        )
        found.append(page)
        if cursor is None:
            return found


async def test_an_attempt_is_read_as_it_was_written(journal: Journal) -> None:
    written = [attempt(number) for number in range(6)]

    await journal.add(ACME, written)

    assert await pages(journal, limit=50) == [written[::-1]]


async def test_an_attempt_is_found_by_its_place(journal: Journal) -> None:
    await journal.add(ACME, [attempt(number) for number in range(3)])
    ((_, middle, _),) = await pages(journal, limit=50)

    assert await journal.find(ACME, middle.place) == attempt(1)
    assert await journal.find(ACME, "7-0") is None


async def test_attempts_of_an_older_version_are_read(store: Store, journal: Journal) -> None:
    old = b'{"at":0,"ids":["s"],"outcome":"accepted","status":200,"ms":7,"answer":"","reason":null}'
    await store.ask(("XADD", Keys(ACME).journal, "*", "j", old))

    ((found,),) = await pages(journal, limit=50)

    assert (found.status, found.url, found.size, found.headers) == (200, None, 0, ())


async def test_the_attempts_with_one_statement_are_found(
    store: Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "LOOKED_AT_ONCE", 7)
    await journal.add(ACME, [attempt(number % 9) for number in range(20)])

    found = await journal.mentions(ACME, StatementId("s-4"), since=AT)
    every = await journal.mentions(ACME, StatementId("another"), since=AT)
    none = await journal.mentions(ACME, StatementId("unknown"), since=AT)

    assert found.attempts == (attempt(4), attempt(4))
    assert (len(every.attempts), none.attempts) == (20, ())
    first, second = (order(one.place) for one in found.attempts)
    assert first < second
    assert found.all_kept


async def test_a_journal_that_has_forgotten_says_so(journal: Journal) -> None:
    for start in range(0, KEPT * 2, 500):
        await journal.add(ACME, [attempt(number) for number in range(start, start + 500)])
    oldest = (await journal.mentions(ACME, StatementId("another"), since=AT)).attempts[0].at

    async def all_kept(since: datetime) -> bool:
        return (await journal.mentions(ACME, StatementId("s-1"), since=since)).all_kept

    assert not await all_kept(AT)
    assert not await all_kept(oldest)
    assert await all_kept(oldest + timedelta(seconds=1))


async def test_pages_go_from_the_newest_backwards_and_miss_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "READ_AT_ONCE", 7)
    written = [attempt(number) for number in range(40)]
    await journal.add(ACME, written)

    found = await pages(journal, limit=9)

    assert [len(page) for page in found] == [9, 9, 9, 9, 4]
    assert [a for page in found for a in page] == written[::-1]


async def test_a_rare_outcome_is_found_behind_many_others(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "READ_AT_ONCE", 7)
    rare = {3: "refused", 30: "refused"}
    await journal.add(ACME, [attempt(n, outcome=rare.get(n, "accepted")) for n in range(40)])

    found = await pages(journal, limit=1, outcome="refused")

    assert [a.at for page in found for a in page] == [AT + timedelta(seconds=n) for n in (30, 3)]


async def test_an_empty_journal_has_an_empty_page(journal: Journal) -> None:
    assert await pages(journal, limit=5) == [[]]


async def test_of_many_attempts_the_newest_are_kept(store: Store, journal: Journal) -> None:

    await journal.add(ACME, [attempt(number) for number in range(KEPT + 200)])
    for number in range(20):
        await journal.add(ACME, [attempt(n) for n in range(number * 50, number * 50 + 50)])

    (length,) = await store.ask(("XLEN", Keys(ACME).journal))
    assert KEPT <= length <= KEPT + 200


async def test_of_what_delivery_does_not_know_nothing_is_written(store: Store) -> None:
    journal = Journal(store)

    await journal.add(ACME, [attempt(1)])

    assert await store.redis.keys("*") == []


async def test_a_redis_that_is_away_holds_no_delivery_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = Store(aioredis.Redis.from_url("redis://127.0.0.1:1"))

    await Journal(store).add(ACME, [attempt(1)])

    assert "journal.unwritten" in capsys.readouterr().out
    await store.redis.aclose()
