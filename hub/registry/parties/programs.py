"""Programs: who publishes and subscribes, and whose integrations these are."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time
from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hub.errors import BadProgramId, ProgramExists, UnknownProgram
from hub.nightly import Nightly
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.searching import contains
from hub.registry.sql.tables import ProgramRow
from hub.registry.trust.audit import note
from hub.registry.trust.vault import Vault

PROGRAM_ID = re.compile(r"[A-Za-z0-9_.]{1,25}")


@dataclass(frozen=True, slots=True)
class Program:
    """A program, without the secret it holds for LearningBuilder."""

    id: str
    name: str
    lb_api_url: str | None
    has_lb_api_key: bool
    created_at: datetime
    technical_emails: tuple[str, ...] = ()
    nightly: Nightly | None = None
    next_sync_at: datetime | None = None
    """When the schedule lets it be synced next; None without a schedule."""


class ProgramChanges(TypedDict, total=False):
    """What is to change; a blank key stays as it was."""

    name: str
    lb_api_url: str | None
    lb_api_key: str
    technical_emails: tuple[str, ...]
    nightly: Nightly | None


class Programs:
    """All programs."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def create(
        self,
        program_id: str,
        name: str,
        *,
        lb_api_url: str | None = None,
        lb_api_key: str | None = None,
        technical_emails: tuple[str, ...] = (),
        nightly: Nightly | None = None,
        by: str,
    ) -> Program:
        """Add a program; raise ProgramExists or BadProgramId."""
        if not PROGRAM_ID.fullmatch(program_id):
            raise BadProgramId(f"{program_id!r} is not 1 to 25 of A-Z, a-z, 0-9, _ and .")
        row = ProgramRow(
            id=program_id,
            name=name,
            lb_api_url=lb_api_url,
            technical_emails=technical_emails,
            created_at=self._clock(),
        )
        row.lb_api_key = self._sealed(program_id, lb_api_key)
        _schedule(row, nightly, row.created_at)
        try:
            async with self._database.write() as session:
                session.add(row)
                await session.flush()
                note(
                    session,
                    "created",
                    "program",
                    program_id,
                    at=row.created_at,
                    by=by,
                    program_id=program_id,
                    after=_program(row),
                    secrets=("lb_api_key",) if lb_api_key else (),
                )
        except IntegrityError as error:
            raise ProgramExists(f"program {program_id} exists") from error
        return _program(row)

    async def find(self, program_id: str) -> Program | None:
        async with self._database.read() as session:
            row = await session.get(ProgramRow, program_id)
        return _program(row) if row else None

    async def list(
        self,
        *,
        cursor: str | None = None,
        limit: int = 100,
        only: Collection[str] | None = None,
        words: str = "",
    ) -> Page[Program]:
        """Return programs by id; `only` bounds them to those the caller may see.

        `words` are what the name or the id contains.
        """
        query = select(ProgramRow)
        if words:
            query = query.where(contains(words, ProgramRow.name, ProgramRow.id))
        if only is not None:
            query = query.where(ProgramRow.id.in_(only))
        async with self._database.read() as session:
            page = await read_page(session, query, by=(ProgramRow.id,), cursor=cursor, limit=limit)
        return page.each(_program)

    async def change(self, program_id: str, changes: ProgramChanges, *, by: str) -> Program:
        """Change a program; raise UnknownProgram."""
        async with self._database.write() as session:
            row = await session.get(ProgramRow, program_id, with_for_update=True)
            if row is None:
                raise UnknownProgram(f"no program {program_id}")
            before = _program(row)
            row.name = changes.get("name", row.name)
            row.lb_api_url = changes.get("lb_api_url", row.lb_api_url)
            row.technical_emails = changes.get("technical_emails", row.technical_emails)
            if "nightly" in changes and changes["nightly"] != before.nightly:
                _schedule(row, changes["nightly"], self._clock())
            new_key = changes.get("lb_api_key", "").strip()
            if new_key:
                row.lb_api_key = self._sealed(program_id, new_key)
            after = _program(row)
            if new_key or after != before:
                note(
                    session,
                    "changed",
                    "program",
                    program_id,
                    at=self._clock(),
                    by=by,
                    program_id=program_id,
                    before=before,
                    after=after,
                    secrets=("lb_api_key",) if new_key else (),
                )
        return after

    async def lb_api_key(self, program_id: str) -> str | None:
        """Return the program's key for LearningBuilder, opened."""
        async with self._database.read() as session:
            row = await session.get(ProgramRow, program_id)
        if row is None or row.lb_api_key is None:
            return None
        return self._vault.open(row.lb_api_key, row=_place(program_id))

    def _sealed(self, program_id: str, key: str | None) -> str | None:
        return self._vault.seal(key, row=_place(program_id)) if key else None


def _schedule(row: ProgramRow, nightly: Nightly | None, now: datetime) -> None:
    row.nightly_at = f"{nightly.at:%H:%M}" if nightly else None
    row.nightly_zone = nightly.zone if nightly else None
    row.next_sync_at = nightly.next_run(now) if nightly else None


def _nightly(row: ProgramRow) -> Nightly | None:
    if row.nightly_at is None or row.nightly_zone is None:
        return None
    return Nightly(time.fromisoformat(row.nightly_at), row.nightly_zone)


def _place(program_id: str) -> str:
    return f"programs/{program_id}/lb_api_key"


def _program(row: ProgramRow) -> Program:
    return Program(
        id=row.id,
        name=row.name,
        lb_api_url=row.lb_api_url,
        has_lb_api_key=row.lb_api_key is not None,
        created_at=row.created_at,
        technical_emails=row.technical_emails,
        nightly=_nightly(row),
        next_sync_at=row.next_sync_at,
    )
