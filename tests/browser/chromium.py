"""Chromium as `make test` unpacks it, whatever browsers this machine may have."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

EXECUTABLE = Path(__file__).parent / "chromium.sh"
QUIET = {"DBUS_SESSION_BUS_ADDRESS": "disabled:", "DBUS_SYSTEM_BUS_ADDRESS": "disabled:"}
"""There are no buses of a desktop to be asked."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser without windows, until the block is left."""
    async with async_playwright() as playwright:
        # Its own sandbox does not work for root, and many containers allow it to nobody.
        started = await playwright.chromium.launch(
            executable_path=EXECUTABLE, chromium_sandbox=False, env={**os.environ, **QUIET}
        )
        try:
            yield started
        finally:
            await started.close()
