"""What the contacts of a program are told of its sources."""

from typing import Protocol

from hub.registry.parties.notices import NoticeKind
from hub.registry.pipeline.sources import SourceRecord


class Notices(Protocol):
    """What the contacts of programs are to be told."""

    async def note(self, program_id: str, kind: NoticeKind, about: str, words: str) -> None: ...

    async def withdraw(self, program_id: str, kind: NoticeKind, about: str) -> None: ...


def complaint(source: SourceRecord, trouble: str) -> str:
    """Say that a source could not be asked, and what to do about it."""
    return (
        f'The source "{source.name}" ({source.id}) could not be read: {trouble}. It is tried again '
        f"by itself; its settings are at /api/programs/{source.program_id}/sources/{source.id}."
    )
