"""What can go wrong around a converter, where and when a test wants it."""

import asyncio
from collections.abc import Sequence

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from delivery.intake import Taken
from hub.conversion.converter import Notices
from hub.conversion.making import Renderer
from hub.events.event import Event
from hub.registry.parties.notices import NoticeKind
from hub.taking import Intake
from hub.templates.fault import TemplateFault
from tests.fakes.fuses import Fuse, Raise


class FusedRenderer:
    """A renderer with a point before each rendering."""

    def __init__(self, renderer: Renderer, fuse: Fuse) -> None:
        self._renderer = renderer
        self._fuse = fuse

    async def render(self, template: str, events: Sequence[Event]) -> Sequence[str | TemplateFault]:
        self._fuse.pass_by()
        return await self._renderer.render(template, events)


class FusedNotices:
    """Notices with a point before and after each."""

    def __init__(self, notices: Notices, fuse: Fuse) -> None:
        self._notices = notices
        self._fuse = fuse

    async def note(self, program_id: str, kind: NoticeKind, about: str, words: str) -> None:
        self._fuse.pass_by()
        await self._notices.note(program_id, kind, about, words)
        self._fuse.pass_by()

    async def withdraw(self, program_id: str, kind: NoticeKind, about: str) -> None:
        self._fuse.pass_by()
        await self._notices.withdraw(program_id, kind, about)
        self._fuse.pass_by()


class Refusing:
    """A front door that takes nothing in for one integration."""

    def __init__(self, intake: Intake, refused: IntegrationId, raise_: Raise) -> None:
        self._intake = intake
        self._refused = refused
        self._raise = raise_

    async def accept(self, integration_id: IntegrationId, statements: Sequence[Statement]) -> Taken:
        if integration_id == self._refused:
            raise self._raise()
        return await self._intake.accept(integration_id, statements)


class Stalling:
    """A front door that takes statements in, and answers only when it is told to."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.reached = asyncio.Event()
        self.wake = asyncio.Event()

    async def accept(self, integration_id: IntegrationId, statements: Sequence[Statement]) -> Taken:
        taken = await self._intake.accept(integration_id, statements)
        self.reached.set()
        await self.wake.wait()
        return taken
