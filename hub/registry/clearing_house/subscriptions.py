"""Subscriptions: who receives whose events, and what rows its LearningBuilder makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import SubscriptionExists, UnknownProgram, UnknownSubscription
from hub.registry.clearing_house.sync_cursors import abandon_batches, note_cursor_set
from hub.registry.parties.caller import Caller
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.tables import ProgramRow, SubscriptionRow
from hub.registry.trust.audit import note


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription. `template` is the JSON text of its template map.

    `last_sync_at` is the cursor: None before the first sync, so that it begins with the first
    event. `revision` grows whenever somebody changes the subscription, and not by syncs.
    """

    program_id: str
    publisher_program_id: str
    created_at: datetime
    last_sync_at: datetime | None
    sync_enabled: bool
    template: str
    revision: int


class SubscriptionChanges(TypedDict, total=False):
    """What is to change."""

    last_sync_at: datetime | None
    sync_enabled: bool
    template: str


class Subscriptions:
    """All subscriptions."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        program_id: str,
        publisher_program_id: str,
        *,
        sync_enabled: bool,
        template: str,
        by: str,
    ) -> Subscription:
        """Subscribe a program to another; raise SubscriptionExists or UnknownProgram."""
        row = SubscriptionRow(
            program_id=program_id,
            publisher_program_id=publisher_program_id,
            created_at=self._clock(),
            sync_enabled=sync_enabled,
            template=template,
            revision=1,
        )
        try:
            async with self._database.write() as session:
                for one in (program_id, publisher_program_id):
                    if await session.get(ProgramRow, one) is None:
                        raise UnknownProgram(f"no program {one}")
                session.add(row)
                await session.flush()
                created = _subscription(row)
                self._note(session, "created", created, at=row.created_at, by=by, after=created)
        except IntegrityError as error:
            raise SubscriptionExists(
                f"{program_id} is subscribed to {publisher_program_id}"
            ) from error
        return created

    async def find(self, program_id: str, publisher_program_id: str) -> Subscription | None:
        async with self._database.read() as session:
            row = await session.get(SubscriptionRow, (program_id, publisher_program_id))
        return _subscription(row) if row else None

    async def list(self, program_id: str) -> Sequence[Subscription]:
        """Return the subscriptions of a program, by publisher."""
        query = (
            select(SubscriptionRow)
            .where(SubscriptionRow.program_id == program_id)
            .order_by(SubscriptionRow.publisher_program_id)
        )
        async with self._database.read() as session:
            return [_subscription(row) for row in await session.scalars(query)]

    async def change(
        self,
        program_id: str,
        publisher_program_id: str,
        changes: SubscriptionChanges,
        *,
        by: str,
    ) -> Subscription:
        """Change a subscription; raise UnknownSubscription.

        A sync that is going on leaves a subscription alone as soon as it was changed here.
        """
        async with self._database.write() as session:
            row = await _lock(session, program_id, publisher_program_id)
            before = _subscription(row)
            row.sync_enabled = changes.get("sync_enabled", row.sync_enabled)
            row.template = changes.get("template", row.template)
            if "last_sync_at" in changes:
                row.last_sync_at = changes["last_sync_at"]
                await note_cursor_set(
                    session,
                    program_id,
                    publisher_program_id,
                    before=before.last_sync_at,
                    after=row.last_sync_at,
                )
            if _subscription(row) != before:
                row.revision += 1
                after = _subscription(row)
                self._note(
                    session, "changed", after, at=self._clock(), by=by, before=before, after=after
                )
        return _subscription(row)

    async def delete(self, program_id: str, publisher_program_id: str, *, by: str) -> None:
        """End a subscription; raise UnknownSubscription. The events stay with their publisher."""
        async with self._database.write() as session:
            row = await _lock(session, program_id, publisher_program_id)
            await abandon_batches(session, program_id, publisher_program_id)
            before = _subscription(row)
            await session.delete(row)
            self._note(session, "deleted", before, at=self._clock(), by=by, before=before)

    async def publishers_of(self, program_id: str) -> frozenset[str]:
        """Return whose events the program may pull."""
        query = select(SubscriptionRow.publisher_program_id).filter_by(program_id=program_id)
        async with self._database.read() as session:
            return frozenset(await session.scalars(query))

    async def of_publisher(self, publisher_program_id: str) -> Sequence[Subscription]:
        """Return the subscriptions to a program, by subscriber."""
        query = (
            select(SubscriptionRow)
            .filter_by(publisher_program_id=publisher_program_id)
            .order_by(SubscriptionRow.program_id)
        )
        async with self._database.read() as session:
            return [_subscription(row) for row in await session.scalars(query)]

    async def may_see(self, caller: Caller, publisher_program_id: str) -> bool:
        """Say whether a caller may read a publisher's events: by itself, or by a subscription."""
        if caller.system or caller.may_read(publisher_program_id):
            return True
        if not caller.programs:
            return False
        subscribed = exists().where(
            SubscriptionRow.publisher_program_id == publisher_program_id,
            SubscriptionRow.program_id.in_(caller.programs),
        )
        async with self._database.read() as session:
            return bool(await session.scalar(select(subscribed)))

    @staticmethod
    def _note(
        session: AsyncSession,
        action: str,
        subscription: Subscription,
        *,
        at: datetime,
        by: str,
        before: Subscription | None = None,
        after: Subscription | None = None,
    ) -> None:
        note(
            session,
            action,
            "subscription",
            f"{subscription.program_id}/{subscription.publisher_program_id}",
            at=at,
            by=by,
            program_id=subscription.program_id,
            before=before,
            after=after,
        )


async def _lock(
    session: AsyncSession, program_id: str, publisher_program_id: str
) -> SubscriptionRow:
    row = await session.get(
        SubscriptionRow, (program_id, publisher_program_id), with_for_update=True
    )
    if row is None:
        raise UnknownSubscription(f"{program_id} is not subscribed to {publisher_program_id}")
    return row


def _subscription(row: SubscriptionRow) -> Subscription:
    return Subscription(
        program_id=row.program_id,
        publisher_program_id=row.publisher_program_id,
        created_at=row.created_at,
        last_sync_at=row.last_sync_at,
        sync_enabled=row.sync_enabled,
        template=row.template,
        revision=row.revision,
    )
