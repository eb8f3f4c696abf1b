"""Counts of all processes, added up; none is lost while Redis is away."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio as aioredis

from delivery.facts.errors import StoreUnavailable
from delivery.facts.statement import Queued, StatementId
from delivery.stores.journal import Attempt
from delivery.stores.meters import BOUNDS, Meters, buckets
from delivery.stores.sent import Sent
from delivery.stores.statement_queue import Settled
from delivery.stores.store import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def attempt(outcome: str, status: int | None) -> Attempt:
    return Attempt(NOW, (), outcome, status, timedelta(), "", None)


def settled(after: timedelta, *, reason: str | None = None) -> Settled:
    queued = Queued("queue", "1-0", StatementId("s"), b"{}", "d", NOW - after, tried=False)
    return Settled(queued, "HTTP 200", reason=reason)


async def test_attempts_are_counted_by_outcome_and_class(store: Store) -> None:
    meters = Meters(store)
    attempts = [
        attempt("accepted", 200),
        attempt("accepted", 204),
        attempt("refused", 400),
        attempt("unavailable", 503),
        attempt("unavailable", None),
    ]

    meters.note(Sent(attempts=attempts), NOW)
    await meters.flush()

    counts = {n: c for n, c in (await meters.read()).items() if n.startswith("attempts|")}
    assert counts == {
        "attempts|accepted|2xx": 2,
        "attempts|refused|4xx": 1,
        "attempts|unavailable|5xx": 1,
        "attempts|unavailable|none": 1,
    }


@pytest.mark.parametrize(
    ("milliseconds", "bound"),
    [
        (0, "10"),
        (10, "10"),
        (11, "25"),
        (1_000, "1000"),
        (1_001, "2500"),
        (3_600_000, "3600000"),
        (3_600_001, "+Inf"),
        (7 * 86_400_000, "+Inf"),
    ],
)
async def test_a_delivery_counts_in_the_bucket_of_its_time(
    store: Store, milliseconds: int, bound: str
) -> None:
    meters = Meters(store)

    meters.note(Sent(settled=[settled(timedelta(milliseconds=milliseconds))]), NOW)
    await meters.flush()

    counts = {name: count for name, count in (await meters.read()).items() if count}
    assert counts.pop("delivery|sum", 0) == milliseconds
    assert counts == {f"delivery|{bound}": 1}
    assert bound in BOUNDS


async def test_a_parked_statement_is_no_delivery(store: Store) -> None:
    meters = Meters(store)

    meters.note(Sent(settled=[settled(timedelta(), reason="HTTP 400")]), NOW)
    await meters.flush()

    assert await meters.read() == {"parked": 1}


async def test_a_replayed_statement_says_nothing_of_how_long_deliveries_take(
    store: Store,
) -> None:
    meters = Meters(store)
    days_ago = settled(timedelta(days=6))

    meters.note(
        Sent(settled=[replace(days_ago, queued=replace(days_ago.queued, replayed=True))]), NOW
    )
    await meters.flush()

    assert await meters.read() == {"replayed": 1}


async def test_attempts_are_counted_by_how_long_they_took(store: Store) -> None:
    meters = Meters(store)
    slow = replace(attempt("accepted", 200), took=timedelta(seconds=3))

    meters.note(Sent(attempts=[attempt("accepted", 200), slow]), NOW)
    await meters.flush()

    counts = await meters.read()
    assert counts["attempt|accepted|5000"] == 1
    assert counts["attempt|accepted|sum"] == 3000
    assert buckets(counts, "attempt", ["accepted"])[-1] == 2


async def test_a_process_knows_what_it_counted_itself(store: Store) -> None:
    mine, other = Meters(store), Meters(store)
    mine.count("rings", "sent", by=2)
    await mine.flush()
    other.count("rings", "sent")
    await other.flush()
    mine.count("rings", "lost")

    assert mine.own() == {"rings|sent": 2, "rings|lost": 1}


async def test_counts_of_two_threads_are_all_there(store: Store) -> None:
    meters = Meters(store)

    def ring() -> None:
        for _ in range(20_000):
            meters.count("rings", "sent")

    threads = [asyncio.to_thread(ring) for _ in range(2)]
    counting = asyncio.gather(*threads)
    while not counting.done():
        await meters.flush()
        await asyncio.sleep(0)
    await meters.flush()

    assert await meters.read() == {"rings|sent": 40_000}


async def test_what_all_processes_counted_is_added_up(store: Store) -> None:
    for _ in range(3):
        meters = Meters(store)
        meters.note_intake("accepted", 5)
        await meters.flush()
        await meters.flush()

    assert await Meters(store).read() == {"intake|accepted": 15}


async def test_counts_are_kept_while_redis_is_away(store: Store) -> None:
    away = Store(aioredis.Redis.from_url("redis://127.0.0.1:1"))
    meters = Meters(away)
    meters.note_intake("accepted", 5)

    with pytest.raises(StoreUnavailable):
        await meters.flush()
    meters.note_intake("accepted", 1)
    await away.redis.aclose()
    away.redis = store.redis
    await meters.flush()

    assert await meters.read() == {"intake|accepted": 6}
