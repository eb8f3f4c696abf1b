"""Who changed what, and when. Every write of the registry leaves a row here, in its transaction.

Changes read `{"name": {"before": "a", "after": "b"}, "client_secret": "changed"}`: of a secret
nothing but the fact is kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from hub.registry.sql.database import Database
from hub.registry.sql.paging import Page, cursor_behind, read_page
from hub.registry.sql.tables import ApiKeyRow, AuditRow

CHANGED = "changed"
ORDER = (AuditRow.at, AuditRow.id)
UNTOLD = frozenset({"updated_at", "last_used_at", "next_sync_at"})
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/?#\s@]*@")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `subject` is the id of what was changed, `kind` says what that is."""

    id: int
    at: datetime
    by: str
    action: str
    kind: str
    subject: str
    program_id: str | None
    changes: Mapping[str, JsonValue]


class Audit:
    """The book of changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        action: str,
        kind: str,
        subject: str,
        *,
        at: datetime,
        by: str,
        program_id: str | None = None,
        changes: Mapping[str, JsonValue],
    ) -> None:
        """Write down what is done outside the registry, before it is done."""
        row = AuditRow(action=action, kind=kind, subject=subject, at=at, by=by)
        row.program_id, row.changes = program_id, dict(changes)
        async with self._database.write() as session:
            session.add(row)

    async def list(
        self,
        *,
        cursor: str | None = None,
        limit: int = 100,
        kind: str | None = None,
        subject: str | None = None,
        program_id: str | None = None,
        by: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page[AuditEntry]:
        """Return entries, newest first; the filters narrow them.

        `by` is whoever did it, as the entries call them, or a user with any of their keys.
        """
        wanted = {"kind": kind, "subject": subject, "program_id": program_id}
        query = select(AuditRow).filter_by(**{k: v for k, v in wanted.items() if v is not None})
        if by is not None:
            query = query.where(or_(AuditRow.by == by, AuditRow.by.in_(_keys_of(by))))
        if since is not None:
            query = query.where(AuditRow.at >= since)
        if until is not None:
            query = query.where(AuditRow.at < until)
        async with self._database.read() as session:
            page = await read_page(
                session, query, by=ORDER, cursor=cursor, limit=limit, newest_first=True
            )
        return page.each(_entry)

    def cursor_behind(self, entry: AuditEntry) -> str:
        """Give the cursor with which `list` goes on behind an entry."""
        return cursor_behind(entry, ORDER)


def note(
    session: AsyncSession,
    action: str,
    kind: str,
    subject: str,
    *,
    at: datetime,
    by: str,
    program_id: str | None = None,
    before: object = None,
    after: object = None,
    secrets: Iterable[str] = (),
) -> None:
    """Write down a change in the transaction that makes it.

    `before` and `after` are the facts (dataclasses without secrets), None where there was or is
    nothing; `secrets` names the secrets that changed.
    """
    changes = differences(before, after) | dict.fromkeys(secrets, CHANGED)
    session.add(
        AuditRow(
            at=at,
            by=by,
            action=action,
            kind=kind,
            subject=subject,
            program_id=program_id,
            changes=changes,
        )
    )


def differences(before: object, after: object) -> dict[str, JsonValue]:
    """Return what differs between two facts, field by field."""
    old, new = _plain(before), _plain(after)
    return {
        name: {"before": old.get(name), "after": new.get(name)}
        for name in (old | new)
        if old.get(name) != new.get(name)
    }


def _keys_of(user_id: str) -> Select[str]:
    """Give what the audit calls a user with each of their keys; see Caller.who."""
    return select(ApiKeyRow.user_id + " (key " + ApiKeyRow.id + ")").where(
        ApiKeyRow.user_id == user_id
    )


def _plain(fact: object) -> dict[str, JsonValue]:
    if not is_dataclass(fact) or isinstance(fact, type):
        return {}
    names = [field.name for field in fields(fact) if field.name not in UNTOLD]
    return {name: _masked(to_jsonable_python(getattr(fact, name))) for name in names}


def _masked(value: JsonValue) -> JsonValue:
    return PASSWORD_IN_URL.sub("***@", value) if isinstance(value, str) else value


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        by=row.by,
        action=row.action,
        kind=row.kind,
        subject=row.subject,
        program_id=row.program_id,
        changes=row.changes,
    )
