"""What can happen around a sync, where and when a test wants it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import httpx

from hub.events.event import Event
from hub.registry.clearing_house.sync_batches import BatchAnswer
from hub.sync.learning_builder import Account, LearningBuilder
from hub.sync.rendering import Rendered, Renderer
from tests.fakes.fuses import Fuse


class FusedLearningBuilder(LearningBuilder):
    """A LearningBuilder with a point before and after each batch."""

    def __init__(self, client: httpx.AsyncClient, fuse: Fuse) -> None:
        super().__init__(client, within=timedelta(seconds=5))
        self._fuse = fuse

    async def create_batch(
        self, account: Account, *, import_process_id: str, file_name: str, rows: Sequence[str]
    ) -> BatchAnswer:
        self._fuse.pass_by()
        answer = await super().create_batch(
            account, import_process_id=import_process_id, file_name=file_name, rows=rows
        )
        self._fuse.pass_by()
        return answer


class Meanwhile:
    """A renderer while whose first work something else happens."""

    def __init__(self, renderer: Renderer, happen: Callable[[], Awaitable[object]]) -> None:
        self._renderer = renderer
        self._happen: Callable[[], Awaitable[object]] | None = happen

    async def render(self, template: str, events: Sequence[Event]) -> Sequence[Rendered]:
        if self._happen is not None:
            happen, self._happen = self._happen, None
            await happen()
        return await self._renderer.render(template, events)
