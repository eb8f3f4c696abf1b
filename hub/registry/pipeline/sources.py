"""Sources: where a program's raw records come from, and how far each that is asked has got."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from pydantic import JsonValue
from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import RevisionMismatch, SourceInUse, UnknownProgram, UnknownSource
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, require
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.tables import ProgramRow, SourceFileRow, SourceRow
from hub.registry.trust.audit import note
from hub.registry.trust.vault import Vault


class SourceKind(StrEnum):
    """How raw records come: posted to us, asked for, uploaded, or found in a bucket."""

    WEBHOOK = "webhook"
    POLL = "poll"
    CSV = "csv"
    BUCKET = "bucket"


ASKED = (SourceKind.POLL, SourceKind.BUCKET)
"""Kinds that we ask, on an interval."""
MOST_USERS = 5
"""How many of those that look up in a source are named."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source as it may be shown. `settings` are its JSON without secrets."""

    id: str
    program_id: str
    kind: SourceKind
    settings: Mapping[str, JsonValue]
    revision: int
    created_at: datetime
    updated_at: datetime
    asked_at: datetime | None = None
    next_at: datetime | None = None
    trouble: str | None = None
    """Why the source could not be asked, or the worst of its last file; None while all is well."""

    @property
    def is_active(self) -> bool:
        """Whether anything may come from it."""
        return self.settings.get("status", "active") == "active"

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.settings.get("name", self.id))


@dataclass(frozen=True, slots=True)
class _Told:
    """What the audit tells of a source."""

    kind: str
    settings: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source has got, and when it is asked again."""

    cursor: Mapping[str, JsonValue] = field(default_factory=dict)
    next_at: datetime | None = None
    trouble: str | None = None


class Sources:
    """All sources."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def create(
        self,
        program_id: str,
        kind: SourceKind,
        settings: Mapping[str, JsonValue],
        secrets: Mapping[str, str],
        *,
        by: str,
    ) -> SourceRecord:
        """Make a source. Raises UnknownProgram."""
        now = self._clock()
        row = SourceRow(
            id=str(uuid4()),
            program_id=program_id,
            kind=kind,
            settings=dict(settings),
            revision=1,
            created_at=now,
            updated_at=now,
            next_at=now if kind in ASKED else None,
        )
        row.secrets = self._sealed(row.id, secrets)
        async with self._database.write() as session:
            if await session.get(ProgramRow, program_id) is None:
                raise UnknownProgram(f"no program {program_id}")
            session.add(row)
            self._note(session, "created", row, by=by, after=_told(row), secrets=secrets)
        return _source(row)

    async def find(self, source_id: str) -> SourceRecord | None:
        async with self._database.read() as session:
            row = await session.get(SourceRow, source_id)
        return _source(row) if row and row.deleted_at is None else None

    async def secrets(self, source_id: str) -> Mapping[str, str]:
        """Give the secrets of a source by their names. Raises UnknownSource, SealBroken."""
        async with self._database.read() as session:
            row = await session.get(SourceRow, source_id)
        if row is None:
            raise UnknownSource(f"no source {source_id}")
        return self._opened(row)

    async def find_with_secrets(
        self, source_id: str
    ) -> tuple[SourceRecord, Mapping[str, str]] | None:
        """Give a source and its secrets; None if there is none. Raises SealBroken."""
        async with self._database.read() as session:
            row = await session.get(SourceRow, source_id)
        if row is None or row.deleted_at is not None:
            return None
        return _source(row), self._opened(row)

    async def list(
        self, program_id: str, *, cursor: str | None = None, limit: int = 100
    ) -> Page[SourceRecord]:
        """Return the sources of a program, oldest first."""
        query = select(SourceRow).where(
            SourceRow.program_id == program_id, SourceRow.deleted_at.is_(None)
        )
        by = (SourceRow.created_at, SourceRow.id)
        async with self._database.read() as session:
            page = await read_page(session, query, by=by, cursor=cursor, limit=limit)
        return page.each(_source)

    async def change(
        self,
        source_id: str,
        settings: Mapping[str, JsonValue],
        secrets: Mapping[str, str],
        *,
        revision: int | None,
        by: str,
    ) -> SourceRecord:
        """Replace what is said of a source. Raises UnknownSource, RevisionMismatch.

        With another high-water mark than before (`cursor`), it is asked from the beginning.
        """
        async with self._database.write() as session:
            row = await _lock(session, source_id)
            if revision is not None and row.revision != revision:
                raise RevisionMismatch(
                    f"source {source_id}", expected=revision, revision=row.revision
                )
            before, known = _told(row), self._opened(row)
            row.settings = dict(settings)
            if dict(secrets) != known:
                row.secrets = self._sealed(source_id, secrets)
            changed = [name for name in secrets if secrets[name] != known.get(name)]
            if before != _told(row) or changed:
                row.revision += 1
                row.updated_at = self._clock()
                row.trouble = None
                if before.settings.get("cursor") != row.settings.get("cursor"):
                    row.cursor = None
                if row.kind in ASKED:
                    # What was in the way may be gone: it is asked at once.
                    row.next_at = row.updated_at
                self._note(
                    session, "changed", row, by=by, before=before, after=_told(row), secrets=changed
                )
        return _source(row)

    async def delete(self, source_id: str, *, by: str) -> None:
        """Take a source away; what has landed from it is removed later.

        Raises UnknownSource, and SourceInUse while others look up in it.
        """
        async with self._database.write() as session:
            row = await _lock(session, source_id)
            await _must_be_unused(session, row)
            row.deleted_at, row.next_at, row.secrets = self._clock(), None, None
            await session.execute(
                update(SourceFileRow)
                .where(SourceFileRow.source_id == source_id, SourceFileRow.cut_at.is_not(None))
                .values(cut_at=None, claim=SourceFileRow.claim + 1)
            )
            self._note(session, "deleted", row, by=by, before=_told(row))

    async def due(self, kinds: Sequence[SourceKind], *, limit: int = 20) -> Sequence[SourceRecord]:
        """Give sources whose time to be asked has come, the longest due first."""
        query = (
            select(SourceRow)
            .where(
                SourceRow.next_at <= self._clock(),
                SourceRow.kind.in_(kinds),
                SourceRow.deleted_at.is_(None),
            )
            .order_by(SourceRow.next_at)
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_source(row) for row in await session.scalars(query)]

    async def cursor(self, source_id: str) -> dict[str, JsonValue]:
        """Give how far a source has got. Raises UnknownSource."""
        async with self._database.read() as session:
            row = await session.get(SourceRow, source_id)
        if row is None:
            raise UnknownSource(f"no source {source_id}")
        return _cursor(row)

    async def note_progress(
        self, lease: SqlLease, source: SourceRecord, progress: Progress
    ) -> None:
        """Write down how far a source was asked, by whoever may ask it. Raises LeaseLost.

        `source` is as it was when the turn began: who has it asked again meanwhile, because it was
        changed or something new was announced, is heeded. Of one that was changed, the progress
        before it stands: it may have been asked for something else.
        """
        is_as_it_was = SourceRow.next_at == source.next_at
        is_unchanged = SourceRow.revision == source.revision
        cursor = json.dumps(progress.cursor)
        async with self._database.write() as session:
            await require(session, lease)
            await session.execute(
                update(SourceRow)
                .where(SourceRow.id == source.id, SourceRow.deleted_at.is_(None))
                .values(
                    cursor=case((is_unchanged, cursor), else_=SourceRow.cursor),
                    next_at=case((is_as_it_was, progress.next_at), else_=SourceRow.next_at),
                    asked_at=self._clock(),
                    trouble=progress.trouble,
                )
            )

    async def ask_now(self, source_id: str) -> None:
        """Have a source asked at once."""
        async with self._database.write() as session:
            await session.execute(
                update(SourceRow)
                .where(SourceRow.id == source_id, SourceRow.next_at.is_not(None))
                .values(next_at=self._clock())
            )

    def _sealed(self, source_id: str, secrets: Mapping[str, str]) -> str | None:
        if not secrets:
            return None
        return self._vault.seal(json.dumps(dict(secrets)), row=place(source_id))

    def _opened(self, row: SourceRow) -> dict[str, str]:
        if row.secrets is None:
            return {}
        found: dict[str, str] = json.loads(self._vault.open(row.secrets, row=place(row.id)))
        return found

    def _note(
        self,
        session: AsyncSession,
        action: str,
        row: SourceRow,
        *,
        by: str,
        before: _Told | None = None,
        after: _Told | None = None,
        secrets: Sequence[str] | Mapping[str, str] = (),
    ) -> None:
        note(
            session,
            action,
            "source",
            row.id,
            at=self._clock(),
            by=by,
            program_id=row.program_id,
            before=before,
            after=after,
            secrets=list(secrets),
        )


def place(source_id: str) -> str:
    """Say what the secrets of a source are bound to."""
    return f"sources/{source_id}/secrets"


async def _lock(session: AsyncSession, source_id: str) -> SourceRow:
    row = await session.get(SourceRow, source_id, with_for_update=True)
    if row is None or row.deleted_at is not None:
        raise UnknownSource(f"no source {source_id}")
    return row


async def _must_be_unused(session: AsyncSession, row: SourceRow) -> None:
    others = await session.scalars(
        select(SourceRow)
        .where(
            SourceRow.program_id == row.program_id,
            SourceRow.id != row.id,
            SourceRow.deleted_at.is_(None),
        )
        .order_by(SourceRow.created_at, SourceRow.id)
    )
    users = [f"{one.settings['name']} ({one.id})" for one in others if _looks_up(one, row.id)]
    if users:
        told = ", ".join(users[:MOST_USERS]) + (", ..." if len(users) > MOST_USERS else "")
        raise SourceInUse(f"source {row.id} is a table in which others look up: {told}")


def _looks_up(row: SourceRow, table_id: str) -> bool:
    lookups = row.settings.get("lookups")
    return isinstance(lookups, dict) and any(
        isinstance(one, dict) and one.get("source") == table_id for one in lookups.values()
    )


def _told(row: SourceRow) -> _Told:
    return _Told(row.kind, dict(row.settings))


def _cursor(row: SourceRow) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = json.loads(row.cursor) if row.cursor else {}
    return found


def _source(row: SourceRow) -> SourceRecord:
    return SourceRecord(
        id=row.id,
        program_id=row.program_id,
        kind=SourceKind(row.kind),
        settings=row.settings,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
        asked_at=row.asked_at,
        next_at=row.next_at,
        trouble=row.trouble,
    )
