"""Workers are added and taken away while queues are being emptied."""

from functools import partial
from pathlib import Path

import pytest

from config import clock
from delivery.work.drain import SMALLEST_WINDOW
from tests.faults.backlog import Backlog, delivered_by, fill, is_sending
from tests.faults.processes import end, start
from tests.faults.stack import Note, Prepared, Stack, now, open_stack
from tests.faults.test_worker_deaths import more_arrive
from tests.waiting import until

pytestmark = pytest.mark.slow

ROADS = {f"road-{number}": (1, 1) for number in range(8)}
"""One statement in a request and one request at a time: what strict order asks for."""
SLOW = 0.02
"""An LRS that takes so many seconds for a request: the workers wait, and need not be quick."""
TAKES_LOAD_WITHIN = 2.0
TAKEN_OVER_WITHIN = 3.0
DRAINS_WITHIN = 10.0
EMPTY_WITHIN = 90
FAIR = 0.3
"""The part of the rest that a second worker has to have: half of it would be ideal."""


async def begun(stack: Stack, count: int) -> Backlog:
    """Fill all queues, and wait until statements of every one arrive."""
    stack.sandbox.change({"statements": {"mode": "slow", "seconds": SLOW}})
    backlog = await fill(stack, count)

    def all_flow() -> bool:
        arrived = backlog.arrivals().keys()
        return all(not arrived.isdisjoint(ids) for ids in backlog.ids.values())

    await until(all_flow, within=30, what="deliveries to every integration")
    return backlog


async def emptied(stack: Stack, backlog: Backlog) -> None:
    """Wait until everything has arrived and is settled."""
    total = sum(map(len, backlog.ids.values()))
    await until(lambda: stack.sandbox.lrs.held >= total, within=EMPTY_WITHIN, what="deliveries")
    await until(stack.is_empty, within=30, what="empty queues")


async def test_a_worker_that_is_added_takes_load_at_once(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path, workers=1, roads=ROADS) as stack:
        backlog = await begun(stack, 400)

        added = await stack.start_worker()
        await until(partial(stack.beats, added), within=30, what="a beat")
        beaten, before = now(), stack.sandbox.lrs.held
        await until(
            partial(is_sending, added.pid, stack.to_lrs.port), within=30, what="load for it"
        )
        took_load = now() - beaten
        await emptied(stack, backlog)

        share = delivered_by(stack, 1) / (stack.sandbox.lrs.held - before)
        record_property("took_load_seconds", took_load)
        record_property("share", share)
        assert took_load < TAKES_LOAD_WITHIN
        assert share > FAIR
        assert not any(backlog.sent_again().values())
        backlog.was_delivered_in_order()


async def test_workers_that_are_asked_to_end_hand_over_and_send_nothing_twice(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path, workers=1, roads=ROADS) as stack:
        words = ("worker", "--processes", "2", "--threads", "4")
        crew = await start(stack.environ, *words, log=tmp_path / "crew.log")
        backlog = await begun(stack, 400)
        await until(partial(is_sending, crew.pid, stack.to_lrs.port), within=30, what="load for it")

        asked, at = now(), clock.now()
        assert await end(crew) == 0
        took = now() - asked
        await emptied(stack, backlog)

        pause = max(backlog.longest_pause(name, since=at) for name in ROADS)
        record_property("ended_seconds", took)
        record_property("longest_pause_seconds", pause)
        assert took < DRAINS_WITHIN
        assert pause < TAKEN_OVER_WITHIN
        assert set(backlog.arrivals().values()) == {1}
        backlog.was_delivered_in_order()


async def test_a_worker_that_is_killed_costs_at_most_a_window_for_each_it_held(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path, workers=2, roads=ROADS) as stack:
        backlog = await begun(stack, 500)
        await until(
            lambda: all(is_sending(one.pid, stack.to_lrs.port) for one in stack.workers),
            within=30,
            what="load for both",
        )
        await more_arrive(stack, 800)

        at = clock.now()
        await stack.kill_worker(0)
        await emptied(stack, backlog)

        again = backlog.sent_again()
        record_property("sent_again", again)
        record_property(
            "longest_pause_seconds", max(backlog.longest_pause(n, since=at) for n in ROADS)
        )
        assert max(again.values()) <= SMALLEST_WINDOW
        assert max(backlog.arrivals().values()) == 2
        backlog.was_delivered_in_order()
