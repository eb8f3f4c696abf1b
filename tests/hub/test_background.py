"""Background work ends, also where a cancellation is swallowed on its way."""

import asyncio
from contextlib import suppress

import pytest

from hub import background


async def test_work_that_swallows_a_cancellation_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.01)

    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    work = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await background.cease(work)

    assert work.cancelled()
