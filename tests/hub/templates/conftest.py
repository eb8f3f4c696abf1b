"""A renderer for each test; its children end with it."""

from collections.abc import AsyncIterator

import pytest

from hub.templates.renderer import Renderer


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer()
    yield renderer
    await renderer.close()
