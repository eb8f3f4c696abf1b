"""Notices: what the contacts of a program are to be told, and the mails that told them.

A notice stays until a mail that tells it was taken by the mail server. The same again, of the same
program, kind and subject, replaces its words and not its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import UnknownProgram
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, require
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.tables import NoticeRow, ProgramMailRow, ProgramRow


class NoticeKind(StrEnum):
    """What a notice is about."""

    SYNC = "sync"
    COMPLETIONS = "completions"
    KEY = "key"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is still to be told. `about` is its subject: a publisher, the id of a key."""

    id: int
    kind: NoticeKind
    about: str
    words: str
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Addressee:
    """A program with something to be told, and to whom."""

    program_id: str
    name: str
    emails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProgramMail:
    """A mail that went out, or that the mail server refused for good, and why."""

    at: datetime
    recipients: tuple[str, ...]
    subject: str
    error: str | None = None


class Notices:
    """The notices of all programs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def note(self, program_id: str, kind: NoticeKind, about: str, words: str) -> None:
        """Have the contacts told this with the next mail. Raises UnknownProgram."""
        # Words may quote anybody, and not every character can be kept everywhere.
        words = "".join(one if one.isprintable() else " " for one in words)
        async with self._database.write() as session:
            # Two who note the same for the first time would both insert a row.
            one_by_one = {"key_share": True}
            if await session.get(ProgramRow, program_id, with_for_update=one_by_one) is None:
                raise UnknownProgram(f"no program {program_id}")
            row = await session.scalar(select(NoticeRow).where(_is(program_id, kind, about)))
            if row is not None:
                row.words = words
                return
            session.add(
                NoticeRow(
                    program_id=program_id,
                    kind=kind,
                    about=about,
                    words=words,
                    noted_at=self._clock(),
                )
            )

    async def withdraw(self, program_id: str, kind: NoticeKind, about: str) -> None:
        """Do not tell this any more, if it was not told yet."""
        async with self._database.write() as session:
            await session.execute(delete(NoticeRow).where(_is(program_id, kind, about)))

    async def due(
        self, *, quiet: timedelta, gathered: timedelta, program_id: str | None = None
    ) -> Sequence[Addressee]:
        """Return the programs to be told something now.

        Those with a notice at least `gathered` old, to whom no mail went in the last `quiet`; with
        `program_id`, at most this one.
        """
        now = self._clock()
        has_notice = exists().where(
            NoticeRow.program_id == ProgramRow.id, NoticeRow.noted_at <= now - gathered
        )
        has_mail = exists().where(
            ProgramMailRow.program_id == ProgramRow.id, ProgramMailRow.at > now - quiet
        )
        query = select(ProgramRow).where(has_notice, ~has_mail).order_by(ProgramRow.id)
        if program_id is not None:
            query = query.where(ProgramRow.id == program_id)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        return [
            Addressee(row.id, row.name, row.technical_emails)
            for row in rows
            if row.technical_emails
        ]

    async def pending(self, program_id: str) -> Sequence[Notice]:
        """Return what is to be told, in the order in which it was noted."""
        query = select(NoticeRow).where(NoticeRow.program_id == program_id)
        async with self._database.read() as session:
            rows = (await session.scalars(query.order_by(NoticeRow.noted_at, NoticeRow.id))).all()
        return [
            Notice(row.id, NoticeKind(row.kind), row.about, row.words, row.noted_at) for row in rows
        ]

    async def record(
        self, lease: SqlLease, program_id: str, mail: ProgramMail, told: Sequence[Notice]
    ) -> None:
        """Write a mail down, and forget what it told; raises LeaseLost.

        What was noted anew in other words meanwhile was not told, and stays.
        """
        async with self._database.write() as session:
            await require(session, lease)
            session.add(
                ProgramMailRow(
                    program_id=program_id,
                    at=mail.at,
                    recipients=mail.recipients,
                    subject=mail.subject,
                    error=mail.error,
                )
            )
            for notice in told:
                is_as_told = and_(NoticeRow.id == notice.id, NoticeRow.words == notice.words)
                await session.execute(delete(NoticeRow).where(is_as_told))

    async def mails(
        self, program_id: str, *, cursor: str | None = None, limit: int = 100
    ) -> Page[ProgramMail]:
        """Return the mails to a program's contacts, newest first."""
        query = select(ProgramMailRow).where(ProgramMailRow.program_id == program_id)
        by = (ProgramMailRow.at, ProgramMailRow.id)
        async with self._database.read() as session:
            page = await read_page(
                session, query, by=by, cursor=cursor, limit=limit, newest_first=True
            )
        return page.each(lambda row: ProgramMail(row.at, row.recipients, row.subject, row.error))


async def forget_notices_of_key(session: AsyncSession, key_id: str) -> None:
    """Withdraw what was to be told of a key, in the transaction that ends its life."""
    of_key = and_(NoticeRow.kind == NoticeKind.KEY, NoticeRow.about == key_id)
    await session.execute(delete(NoticeRow).where(of_key))


def _is(program_id: str, kind: NoticeKind, about: str) -> ColumnElement[bool]:
    return and_(
        NoticeRow.program_id == program_id, NoticeRow.kind == kind, NoticeRow.about == about
    )
