"""A network that fails between the workers and an LRS, and between our processes and Valkey."""

from functools import partial
from pathlib import Path

import pytest

from tests.fakes.fault_proxy import FaultProxy, Trouble
from tests.faults.stack import Note, Prepared, Stack, for_a_while, now, open_stack
from tests.waiting import until

pytestmark = pytest.mark.slow

TROUBLES = {Trouble.CUT: 0, Trouble.DEAF: 2, Trouble.STALL: 4, Trouble.REFUSE: 2}
"""What goes wrong, one after the other, and for how many seconds at least."""


async def test_a_network_failing_before_an_lrs_loses_nothing(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        await survive(stack, stack.to_lrs, record_property)

        # What was applied and never heard of was sent again.
        assert stack.sandbox.lrs.received > stack.sandbox.lrs.held


async def test_a_network_failing_before_valkey_loses_nothing(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        await survive(stack, stack.to_redis, record_property)


async def survive(stack: Stack, network: FaultProxy, note: Note) -> None:
    """Go through every trouble under load, and see after each that nothing was lost."""
    for trouble, seconds in TROUBLES.items():
        load = stack.load()
        await something_flows(stack)
        struck = network.struck
        await network.begin(trouble)
        await for_a_while(seconds)
        await until(partial(has_struck, network, struck), within=30, what=f"trouble: {trouble}")
        await network.mend()

        note(f"{trouble}_recovered_seconds", await stack.recovered(load, since=now()))
        await stack.nothing_was_lost()


def has_struck(network: FaultProxy, before: int) -> bool:
    """Say whether anybody has noticed."""
    return network.struck > before


async def something_flows(stack: Stack) -> None:
    """Wait for some deliveries."""
    held = stack.sandbox.lrs.held
    await until(lambda: stack.sandbox.lrs.held > held + 100, within=30, what="deliveries")
