"""Logs as they were before a test, and a hub somewhere else with a terminal to it."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from tests.config.terminal import Terminal
from tests.faults.stack import Prepared, Stack, open_stack, prepare


@pytest.fixture
def restored() -> Iterator[None]:
    """Have logs written as before, after the test."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Make what every hub begins with."""
    return await prepare(tmp_path_factory.mktemp("prepared"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(
    tmp_path_factory: pytest.TempPathFactory, prepared: Prepared
) -> AsyncIterator[Stack]:
    """Run a hub with one worker."""
    async with open_stack(prepared, tmp_path_factory.mktemp("stack"), workers=1) as stack:
        yield stack


@pytest.fixture
def terminal(tmp_path: Path, stack: Stack) -> Terminal:
    """Give a machine that has the command line, and the key of the hub."""
    return Terminal(tmp_path, str(stack.client.base_url), stack.key[1])
