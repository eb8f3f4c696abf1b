"""API keys: made, verified, revoked. A key is shown once and kept as a hash."""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Update, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import BadUserId, RegistryUnavailable, UnknownKey, UnknownProgram
from hub.registry.parties.caller import Caller, Right
from hub.registry.parties.key_cache import KeyCache, KnownKey
from hub.registry.parties.key_text import digest, key_id, new_key
from hub.registry.parties.notices import forget_notices_of_key
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.tables import ApiKeyRightRow, ApiKeyRow, ProgramRow
from hub.registry.trust.audit import note

LONGEST_USER_ID = 200
USE_NOTED_EVERY = timedelta(minutes=1)
NO_RIGHTS: Mapping[str, Right] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; not the key itself."""

    id: str
    user_id: str
    system: bool
    rights: Mapping[str, Right]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key, with the text that is shown this once."""

    record: ApiKey
    api_key: str = field(repr=False)


class Keys:
    """All API keys. The pepper keys their hashes: without it, a stolen table verifies nothing."""

    def __init__(
        self, database: Database, pepper: Callable[[], Awaitable[bytes]], clock: Clock
    ) -> None:
        self._database = database
        self._pepper = pepper
        self._clock = clock
        self._cache = KeyCache(self._read, clock)
        self._uses: dict[str, datetime] = {}

    async def create(
        self,
        user_id: str,
        *,
        system: bool = False,
        rights: Mapping[str, Right] = NO_RIGHTS,
        expires_at: datetime | None = None,
        by: str,
    ) -> CreatedKey:
        """Make a key; raise BadUserId, or UnknownProgram for a right on none."""
        _check_user_id(user_id)
        new_id, text = new_key()
        pepper = await self._pepper()
        row = ApiKeyRow(
            id=new_id,
            user_id=user_id,
            digest=digest(text, pepper),
            system=system,
            created_at=self._clock(),
            expires_at=expires_at,
            rights=[ApiKeyRightRow(program_id=p, access=r.value) for p, r in rights.items()],
        )
        async with self._database.write() as session:
            await _check_programs(session, rights)
            session.add(row)
            record = _record(row)
            note(session, "created", "key", row.id, at=row.created_at, by=by, after=record)
        return CreatedKey(record, text)

    async def verify(self, user_id: str | None, api_key: str) -> Caller | None:
        """Return who calls with this key; None if it is not valid, or not this user's.

        `user_id` is None where only the key was given. Raises RegistryUnavailable.
        """
        found_id = key_id(api_key)
        known = await self._cache.find(found_id) if found_id else None
        if found_id is None or known is None:
            return None
        if not hmac.compare_digest(known.digest, digest(api_key, await self._pepper())):
            return None
        now = self._clock()
        if user_id not in {None, known.caller.user_id} or _is_expired(known, now):
            return None
        self._uses[found_id] = now
        return known.caller

    async def caller(self, key_id: str) -> Caller | None:
        """Return whose key this is, while it is good. Raises RegistryUnavailable."""
        known = await self._cache.find(key_id)
        if known is None or _is_expired(known, self._clock()):
            return None
        return known.caller

    async def note_uses(self) -> None:
        """Write down when keys were last used: at most once a minute for each key."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            async with self._database.write() as session:
                for used_id, at in uses.items():
                    await session.execute(_note_use(used_id, at))
        except RegistryUnavailable:
            self._uses = uses | self._uses
            raise

    async def find(self, key_id: str) -> ApiKey | None:
        async with self._database.read() as session:
            row = await session.get(ApiKeyRow, key_id)
        return _record(row) if row else None

    async def list(
        self, *, cursor: str | None = None, limit: int = 100, user_id: str | None = None
    ) -> Page[ApiKey]:
        """Return keys, newest first, revoked ones too."""
        query = select(ApiKeyRow)
        if user_id is not None:
            query = query.where(ApiKeyRow.user_id == user_id)
        by = (ApiKeyRow.created_at, ApiKeyRow.id)
        async with self._database.read() as session:
            page = await read_page(
                session, query, by=by, cursor=cursor, limit=limit, newest_first=True
            )
        return page.each(_record)

    async def ending(self, *, before: datetime) -> Sequence[ApiKey]:
        """Return the keys that end before then, still serve, and were not warned of."""
        query = select(ApiKeyRow).where(
            ApiKeyRow.expires_at <= before,
            ApiKeyRow.expires_at > self._clock(),
            ApiKeyRow.revoked_at.is_(None),
            ApiKeyRow.warned_at.is_(None),
        )
        async with self._database.read() as session:
            rows = (await session.scalars(query.order_by(ApiKeyRow.expires_at))).all()
        return [_record(row) for row in rows]

    async def mark_warned(self, key_id: str) -> None:
        """Write down that somebody was told of this key's end."""
        marked = update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(warned_at=self._clock())
        async with self._database.write() as session:
            await session.execute(marked)

    async def revoke(self, key_id: str, *, by: str) -> ApiKey:
        """End a key's life, within five seconds everywhere; to revoke it again changes nothing."""
        async with self._database.write() as session:
            row = await session.get(ApiKeyRow, key_id, with_for_update=True)
            if row is None:
                raise UnknownKey(f"no key {key_id}")
            before = _record(row)
            if row.revoked_at is None:
                row.revoked_at = self._clock()
                await forget_notices_of_key(session, key_id)
                after = _record(row)
                note(
                    session,
                    "revoked",
                    "key",
                    key_id,
                    at=row.revoked_at,
                    by=by,
                    before=before,
                    after=after,
                )
        self._cache.forget(key_id)
        return _record(row)

    async def _read(self, key_id: str) -> KnownKey | None:
        async with self._database.read() as session:
            row = await session.get(ApiKeyRow, key_id)
        if row is None or row.revoked_at is not None:
            return None
        record = _record(row)
        caller = Caller(row.id, row.user_id, row.system, record.rights, row.expires_at)
        return KnownKey(row.digest, caller, row.expires_at)


def _check_user_id(user_id: str) -> None:
    # RFC 7617, 2: a user id cannot have a colon, nor control characters.
    if not 0 < len(user_id) <= LONGEST_USER_ID or ":" in user_id or not user_id.isprintable():
        raise BadUserId(f"a user id has 1 to {LONGEST_USER_ID} printable characters and no colon")


async def _check_programs(session: AsyncSession, rights: Mapping[str, Right]) -> None:
    for program_id in rights:
        if await session.get(ProgramRow, program_id) is None:
            raise UnknownProgram(f"no program {program_id}")


def _note_use(key_id: str, at: datetime) -> Update:
    """Of several processes that note the same key, one does; no use is noted backwards."""
    due = or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at <= at - USE_NOTED_EVERY)
    return update(ApiKeyRow).where(ApiKeyRow.id == key_id, due).values(last_used_at=at)


def _is_expired(key: KnownKey, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def _record(row: ApiKeyRow) -> ApiKey:
    rights = {right.program_id: Right(right.access) for right in row.rights}
    return ApiKey(
        id=row.id,
        user_id=row.user_id,
        system=row.system,
        rights=rights,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
