"""The web process killed under load: who got no answer asks again, with the same ids."""

from functools import partial
from pathlib import Path

import pytest

from tests.faults.stack import Note, Prepared, now, open_stack
from tests.faults.upstream import Load
from tests.waiting import until

pytestmark = pytest.mark.slow


async def test_web_killed_under_load_loses_nothing_it_has_answered(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        load = stack.load()
        restarted = now()

        for enough in (100, 200, 300):
            await until(partial(has_taken, load, enough), within=30, what="load")
            await stack.kill_web()
            await stack.start_web()
            restarted = now()

        record_property("recovered_seconds", await stack.recovered(load, since=restarted))
        await stack.nothing_was_lost()
        assert any(answer.status is None for answer in load.answers())


def has_taken(load: Load, count: int) -> bool:
    """Say whether so much was taken."""
    return len(load.taken()) >= count
