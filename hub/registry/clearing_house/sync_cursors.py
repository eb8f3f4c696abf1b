"""How far each subscription is synced: the cursor, and what a hand that sets it does to batches.

A run moves a cursor only while the subscription is as it found it. Whoever locks a subscription and
its batches locks the subscription first.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.registry.sql.tables import SubscriptionRow, SyncBatchRow

OPEN = ("sending", "unknown")


@dataclass(frozen=True, slots=True)
class Reading:
    """A subscription as a run found it: the run may move its cursor until somebody else sets it."""

    program_id: str
    publisher_program_id: str
    created_at: datetime
    revision: int


async def abandon_batches(
    session: AsyncSession, program_id: str, publisher_program_id: str
) -> None:
    """Forget what is open, and what was accepted beyond the cursor: all will be sent again."""
    await session.execute(
        update(SyncBatchRow)
        .where(
            batches_of(program_id, publisher_program_id),
            SyncBatchRow.state.in_(OPEN),
            SyncBatchRow.event_moments.is_not(None),
        )
        .values(state="abandoned")
    )
    await session.execute(
        update(SyncBatchRow)
        .where(
            batches_of(program_id, publisher_program_id), SyncBatchRow.event_moments.is_not(None)
        )
        .values(event_moments=null())
    )


async def note_cursor_set(
    session: AsyncSession,
    program_id: str,
    publisher_program_id: str,
    *,
    before: datetime | None,
    after: datetime | None,
) -> None:
    """See to the batches when a cursor is set by hand; the subscription must be locked.

    Set back, everything after it is to be sent again. Set forward, what was accepted or is open
    beyond it stays what it is, and what it leaves behind is forgotten.
    """
    if before is None and after is None:
        return
    if after is None or (before is not None and after < before):
        await abandon_batches(session, program_id, publisher_program_id)
        return
    passed = and_(batches_of(program_id, publisher_program_id), SyncBatchRow.last_event_at <= after)
    with_moments = SyncBatchRow.event_moments.is_not(None)
    open_states = SyncBatchRow.state.in_(OPEN)
    await session.execute(
        update(SyncBatchRow).where(passed, with_moments, open_states).values(state="abandoned")
    )
    await session.execute(
        update(SyncBatchRow).where(passed, with_moments).values(event_moments=null())
    )


async def is_ours(session: AsyncSession, reading: Reading) -> bool:
    """Say whether the subscription is as it was found; lock it until the transaction ends."""
    found = await session.execute(
        select(SubscriptionRow.revision, SubscriptionRow.created_at)
        .filter_by(program_id=reading.program_id, publisher_program_id=reading.publisher_program_id)
        .with_for_update()
    )
    return found.one_or_none() == (reading.revision, reading.created_at)


async def move(session: AsyncSession, reading: Reading, cursor: datetime) -> None:
    """Move a cursor on, never back, and let go of the moments that it has passed."""
    whose = and_(
        SubscriptionRow.program_id == reading.program_id,
        SubscriptionRow.publisher_program_id == reading.publisher_program_id,
    )
    before = await session.scalar(select(SubscriptionRow.last_sync_at).where(whose))
    if before is not None and before >= cursor:
        return
    await session.execute(update(SubscriptionRow).where(whose).values(last_sync_at=cursor))
    passed = [
        batches_of(reading.program_id, reading.publisher_program_id),
        SyncBatchRow.last_event_at <= cursor,
        SyncBatchRow.event_moments.is_not(None),
    ]
    if before is not None:
        # Older batches have lost their moments already; without this, all would be looked at.
        passed.append(SyncBatchRow.last_event_at > before)
    await session.execute(update(SyncBatchRow).where(*passed).values(event_moments=null()))


def batches_of(program_id: str, publisher_program_id: str) -> ColumnElement[bool]:
    """Say which batches are those of one subscription."""
    return and_(
        SyncBatchRow.program_id == program_id,
        SyncBatchRow.publisher_program_id == publisher_program_id,
    )
