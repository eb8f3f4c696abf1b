"""Integrations: each one program's connection to one provider, with sealed credentials.

`version` rises with addresses and credentials, `revision` with every change whatever. Deleting has
two steps: once marked, delivery finds the integration no more; the row goes after its queue went.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from delivery.facts.errors import UnknownIntegration
from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.status import Heard
from hub.errors import IntegrationExists, RevisionMismatch, UnknownProgram, UnknownProvider
from hub.registry.parties.integration_records import (
    IntegrationChanges,
    IntegrationMark,
    IntegrationRecord,
    NewIntegration,
)
from hub.registry.parties.integration_rows import (
    SECRETS,
    differing,
    new_row,
    read_integration,
    read_mark,
    read_record,
)
from hub.registry.parties.providers import Provider, read_provider
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.paging import Page, cursor_behind, read_page
from hub.registry.sql.searching import contains
from hub.registry.sql.tables import IntegrationRow, ProgramRow, ProviderRow
from hub.registry.trust.audit import note
from hub.registry.trust.vault import Vault

__all__ = [
    "IntegrationChanges",
    "IntegrationMark",
    "IntegrationRecord",
    "IntegrationRegistry",
    "NewIntegration",
]

OLDEST_FIRST = (IntegrationRow.created_at, IntegrationRow.id)
RAISES_VERSION = SECRETS | {"client_id", "statement_url", "authentication_url", "scope"}


class IntegrationRegistry:
    """All integrations; also where delivery learns what one is now."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def create(self, program_id: str, new: NewIntegration, *, by: str) -> IntegrationRecord:
        """Connect a program to a provider; raise IntegrationExists if it is connected already.

        Raises UnknownProgram and UnknownProvider too.
        """
        row = new_row(program_id, new, vault=self._vault, now=self._clock())
        secrets = [name for name in sorted(SECRETS) if getattr(row, name)]
        try:
            async with self._database.write() as session:
                await _check_parents(session, program_id, new.provider)
                session.add(row)
                await session.flush()
                record = read_record(row)
                self._note(session, "created", record, by=by, after=record, secrets=secrets)
        except IntegrityError as error:
            raise IntegrationExists(f"{program_id} is connected to {new.provider}") from error
        return record

    async def find(self, integration_id: IntegrationId) -> Integration | None:
        """Return what delivery needs, with secrets; None once it is gone or being deleted."""
        query = (
            select(IntegrationRow, ProviderRow)
            .join(ProviderRow, ProviderRow.id == IntegrationRow.provider)
            .where(IntegrationRow.id == integration_id, IntegrationRow.deleting_at.is_(None))
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).one_or_none()
        if found is None:
            return None
        row, provider = found
        return read_integration(row, read_provider(provider), vault=self._vault)

    async def would_be(self, program_id: str, new: NewIntegration) -> Integration:
        """Return what `create` would make, with secrets; nothing is kept.

        Raises UnknownProvider.
        """
        row = new_row(program_id, new, vault=self._vault, now=self._clock())
        async with self._database.read() as session:
            return read_integration(row, await _provider(session, row), vault=self._vault)

    async def would_become(
        self, integration_id: IntegrationId, changes: IntegrationChanges
    ) -> Integration:
        """Return what `change` would make of one, with secrets; nothing is kept.

        Raises UnknownIntegration.
        """
        async with self._database.read() as session:
            row = await session.get(IntegrationRow, integration_id)
            if row is None or row.deleting_at is not None:
                raise UnknownIntegration(f"no integration {integration_id}")
            provider = await _provider(session, row)
            session.expunge_all()
            for name, value in differing(row, changes, vault=self._vault).items():
                setattr(row, name, value)
            return read_integration(row, provider, vault=self._vault)

    async def find_record(self, integration_id: IntegrationId) -> IntegrationRecord | None:
        async with self._database.read() as session:
            row = await session.get(IntegrationRow, integration_id)
        return read_record(row) if row else None

    async def list(
        self,
        programs: Collection[str] | None,
        *,
        words: str = "",
        enabled: bool | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[IntegrationRecord]:
        """Return these programs' integrations (None: all), oldest first, without those going.

        `words` are what a name, or its provider's name or id, contains, in whatever case.
        """
        query = select(IntegrationRow).where(*_wanted(programs, words))
        if enabled is not None:
            query = query.where(IntegrationRow.enabled.is_(enabled))
        async with self._database.read() as session:
            page = await read_page(session, query, by=OLDEST_FIRST, cursor=cursor, limit=limit)
        return page.each(read_record)

    async def count(self, programs: Collection[str], *, words: str = "") -> int:
        """Say how many `list` would return in all its pages."""
        query = select(func.count()).select_from(IntegrationRow).where(*_wanted(programs, words))
        async with self._database.read() as session:
            return await session.scalar(query) or 0

    def cursor_behind(self, record: IntegrationRecord) -> str:
        """Give the cursor with which `list` goes on behind a record."""
        return cursor_behind(record, OLDEST_FIRST)

    async def list_all(
        self, *, cursor: str | None = None, limit: int = 1000
    ) -> Page[IntegrationMark]:
        """Return every integration by id, those being deleted too: for sweeps."""
        by, query = (IntegrationRow.id,), select(IntegrationRow)
        async with self._database.read() as session:
            page = await read_page(session, query, by=by, cursor=cursor, limit=limit)
        return page.each(read_mark)

    async def change(
        self,
        integration_id: IntegrationId,
        changes: IntegrationChanges,
        *,
        by: str,
        expected_revision: int | None = None,
    ) -> IntegrationRecord:
        """Change an integration; what is left out, and a blank credential, stays as it was.

        Raises UnknownIntegration, or RevisionMismatch if it is not at `expected_revision`.
        """
        async with self._database.write() as session:
            row = await _locked(session, integration_id)
            if row.deleting_at is not None:
                raise UnknownIntegration(f"integration {integration_id} is being deleted")
            if expected_revision is not None and expected_revision != row.revision:
                raise RevisionMismatch(
                    f"integration {row.id}", expected=expected_revision, revision=row.revision
                )
            columns = differing(row, changes, vault=self._vault)
            return self._apply(session, row, _raising_version(row, columns), by=by)

    async def keep_refresh_token(self, integration: Integration, refresh_token: str) -> None:
        """Store a refresh token that the token endpoint has just rotated."""
        async with self._database.write() as session:
            row = await session.get(IntegrationRow, integration.id, with_for_update=True)
            if row is None or row.version != integration.version:
                return
            columns = differing(row, {"refresh_token": refresh_token}, vault=self._vault)
            self._apply(session, row, columns, by="hub")

    async def raise_past(self, integration_id: IntegrationId, heard: Heard) -> None:
        """Put an integration past what delivery has heard: this registry was restored.

        Nothing changes where it is not behind. The version goes past, too: what was refused with
        one that this registry does not know is tried again.
        """
        async with self._database.write() as session:
            row = await session.get(IntegrationRow, integration_id, with_for_update=True)
            if row is None or row.revision >= heard.revision:
                return
            columns = {"version": max(row.version, heard.version) + 1}
            row.revision = heard.revision
            self._apply(session, row, columns, by="hub", action="restored")

    async def mark_deleting(self, integration_id: IntegrationId, *, by: str) -> IntegrationRecord:
        """Hide an integration from delivery for good; to do so again changes nothing."""
        async with self._database.write() as session:
            row = await _locked(session, integration_id)
            columns = {} if row.deleting_at else {"deleting_at": self._clock()}
            return self._apply(session, row, columns, by=by, action="deleting")

    async def remove(self, integration_id: IntegrationId, *, by: str) -> None:
        """Forget an integration; its queue must be gone by now."""
        async with self._database.write() as session:
            row = await _locked(session, integration_id)
            record = read_record(row)
            self._note(session, "deleted", record, by=by, before=record)
            await session.delete(row)

    def _apply(
        self,
        session: AsyncSession,
        row: IntegrationRow,
        columns: Mapping[str, object],
        *,
        by: str,
        action: str = "changed",
    ) -> IntegrationRecord:
        if not columns:
            return read_record(row)
        before = read_record(row)
        for name, value in columns.items():
            setattr(row, name, value)
        row.revision += 1
        row.updated_at = self._clock()
        after = read_record(row)
        secrets = sorted(SECRETS & columns.keys())
        self._note(session, action, after, by=by, before=before, after=after, secrets=secrets)
        return after

    def _note(
        self,
        session: AsyncSession,
        action: str,
        record: IntegrationRecord,
        *,
        by: str,
        before: IntegrationRecord | None = None,
        after: IntegrationRecord | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        note(
            session,
            action,
            "integration",
            record.id,
            at=self._clock(),
            by=by,
            program_id=record.program_id,
            before=before,
            after=after,
            secrets=secrets,
        )


def _raising_version(row: IntegrationRow, columns: dict[str, object]) -> dict[str, object]:
    if RAISES_VERSION.isdisjoint(columns):
        return columns
    return columns | {"version": row.version + 1}


def _wanted(programs: Collection[str] | None, words: str) -> Sequence[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [IntegrationRow.deleting_at.is_(None)]
    if programs is not None:
        wanted.append(IntegrationRow.program_id.in_(sorted(programs)))
    if words:
        named = select(ProviderRow.id).where(contains(words, ProviderRow.name))
        wanted.append(
            contains(words, IntegrationRow.name, IntegrationRow.provider)
            | IntegrationRow.provider.in_(named)
        )
    return wanted


async def _check_parents(session: AsyncSession, program_id: str, provider_id: str) -> None:
    if await session.get(ProgramRow, program_id) is None:
        raise UnknownProgram(f"no program {program_id}")
    # Held until the commit: a provider removed in between would look like a second connection.
    held = {"read": True, "key_share": True}
    if await session.get(ProviderRow, provider_id, with_for_update=held) is None:
        raise UnknownProvider(f"no provider {provider_id}")


async def _provider(session: AsyncSession, row: IntegrationRow) -> Provider:
    found = await session.get(ProviderRow, row.provider)
    if found is None:
        raise UnknownProvider(f"no provider {row.provider}")
    return read_provider(found)


async def _locked(session: AsyncSession, integration_id: IntegrationId) -> IntegrationRow:
    row = await session.get(IntegrationRow, integration_id, with_for_update=True)
    if row is None:
        raise UnknownIntegration(f"no integration {integration_id}")
    return row
