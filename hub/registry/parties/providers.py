"""Providers: the kinds of remote systems, with their rules for actor, object and authentication."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from sqlalchemy import case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from delivery.facts.integration import IntegrationId, TokenAuth
from hub.errors import ProviderExists, ProviderInUse, UnknownProvider
from hub.registry.sql.clock import Clock
from hub.registry.sql.database import Database
from hub.registry.sql.paging import Page, read_page
from hub.registry.sql.searching import contains
from hub.registry.sql.tables import IntegrationRow, ProviderRow
from hub.registry.trust.audit import note
from hub.xapi.rules import COMPLETED, ActorId, ObjectId, Rules


class ProviderStatus(StrEnum):
    """Whether new integrations may choose this provider."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of remote system. Its integrations may differ in batch size, concurrency and scope."""

    id: str
    name: str
    status: ProviderStatus = ProviderStatus.ACTIVE
    object_id: ObjectId = ObjectId.URI
    object_id_template: str | None = None
    actor_id: ActorId = ActorId.EMAIL
    account_home_page: str | None = None
    verbs: tuple[str, ...] = (COMPLETED,)
    xapi_version: str = "1.0.3"
    batch_size: int = 1
    concurrency: int = 1
    token_auth: TokenAuth = TokenAuth.BASIC
    scope: str | None = None
    token_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        """What a statement for this provider must look like."""
        return Rules(
            actor_id=self.actor_id,
            object_id=self.object_id,
            account_home_page=self.account_home_page,
            object_id_template=self.object_id_template,
            verbs=self.verbs,
            xapi_version=self.xapi_version,
        )


class ProviderChanges(TypedDict, total=False):
    """What is to change."""

    name: str
    status: ProviderStatus
    object_id: ObjectId
    object_id_template: str | None
    actor_id: ActorId
    account_home_page: str | None
    verbs: tuple[str, ...]
    xapi_version: str
    batch_size: int
    concurrency: int
    token_auth: TokenAuth
    scope: str | None
    token_parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """A provider after a change, and the integrations whose revision rose with it."""

    provider: Provider
    touched: tuple[IntegrationId, ...]


class Providers:
    """All providers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, provider: Provider, *, by: str) -> Provider:
        """Add a provider; raise ProviderExists."""
        try:
            async with self._database.write() as session:
                session.add(ProviderRow(id=provider.id, **_columns(provider)))
                await session.flush()
                self._note(session, "created", by=by, after=provider)
        except IntegrityError as error:
            raise ProviderExists(f"provider {provider.id} exists") from error
        return provider

    async def find(self, provider_id: str) -> Provider | None:
        async with self._database.read() as session:
            row = await session.get(ProviderRow, provider_id)
        return read_provider(row) if row else None

    async def names(self, provider_ids: Collection[str]) -> Mapping[str, str]:
        """Say what these are called, by their ids."""
        query = select(ProviderRow.id, ProviderRow.name).where(ProviderRow.id.in_(provider_ids))
        async with self._database.read() as session:
            return {one.id: one.name for one in await session.execute(query)}

    async def list(self, *, cursor: str | None = None, limit: int = 100) -> Page[Provider]:
        """Return providers by id."""
        by, query = (ProviderRow.id,), select(ProviderRow)
        async with self._database.read() as session:
            page = await read_page(session, query, by=by, cursor=cursor, limit=limit)
        return page.each(read_provider)

    async def untaken(
        self, program_id: str, *, words: str = "", cursor: str | None = None, limit: int = 100
    ) -> Page[Provider]:
        """Return the active providers that a program has no integration with, by id.

        `words` are what the name or the id contains, in whatever case.
        """
        taken = select(IntegrationRow.provider).where(IntegrationRow.program_id == program_id)
        query = select(ProviderRow).where(
            ProviderRow.status == str(ProviderStatus.ACTIVE), ProviderRow.id.not_in(taken)
        )
        if words:
            query = query.where(contains(words, ProviderRow.name, ProviderRow.id))
        async with self._database.read() as session:
            page = await read_page(session, query, by=(ProviderRow.id,), cursor=cursor, limit=limit)
        return page.each(read_provider)

    async def change(
        self, provider_id: str, changes: ProviderChanges, *, by: str
    ) -> ProviderChange:
        """Change a provider, and with it all its integrations; raise UnknownProvider.

        Their revision rises; where what they prove themselves with changed, their version too.
        """
        async with self._database.write() as session:
            row = await _locked(session, provider_id)
            before = read_provider(row)
            after = replace(before, **changes)
            if after == before:
                return ProviderChange(before, ())
            for name, value in _columns(after).items():
                setattr(row, name, value)
            self._note(session, "changed", by=by, before=before, after=after)
            touched = await _touch(session, before, after, self._clock())
        return ProviderChange(after, touched)

    async def remove(self, provider_id: str, *, by: str) -> None:
        """Remove a provider; raise UnknownProvider, or ProviderInUse while integrations use it."""
        try:
            async with self._database.write() as session:
                row = await _locked(session, provider_id)
                self._note(session, "deleted", by=by, before=read_provider(row))
                await session.delete(row)
                await session.flush()
        except IntegrityError as error:
            raise ProviderInUse(f"provider {provider_id} has integrations") from error

    def _note(
        self,
        session: AsyncSession,
        action: str,
        *,
        by: str,
        before: Provider | None = None,
        after: Provider | None = None,
    ) -> None:
        subject = (after or before or Provider("", "")).id
        note(
            session,
            action,
            "provider",
            subject,
            at=self._clock(),
            by=by,
            before=before,
            after=after,
        )


def read_provider(row: ProviderRow) -> Provider:
    """Return what a row says."""
    return Provider(
        id=row.id,
        name=row.name,
        status=ProviderStatus(row.status),
        object_id=ObjectId(row.object_id),
        object_id_template=row.object_id_template,
        actor_id=ActorId(row.actor_id),
        account_home_page=row.account_home_page,
        verbs=row.verbs,
        xapi_version=row.xapi_version,
        batch_size=row.batch_size,
        concurrency=row.concurrency,
        token_auth=TokenAuth(row.token_auth),
        scope=row.scope,
        token_parameters=dict(row.token_parameters),
    )


def _columns(provider: Provider) -> dict[str, object]:
    names = [each.name for each in fields(provider) if each.name != "id"]
    values = {name: getattr(provider, name) for name in names}
    values["token_parameters"] = dict(provider.token_parameters)
    # Drivers know strings; some of them store an enum by its name.
    return {k: str(v) if isinstance(v, StrEnum) else v for k, v in values.items()}


async def _locked(session: AsyncSession, provider_id: str) -> ProviderRow:
    row = await session.get(ProviderRow, provider_id, with_for_update=True)
    if row is None:
        raise UnknownProvider(f"no provider {provider_id}")
    return row


async def _touch(
    session: AsyncSession, before: Provider, after: Provider, now: datetime
) -> tuple[IntegrationId, ...]:
    """Raise the revision of the provider's integrations; the version where credentials differ."""
    if (before.token_auth, before.token_parameters) != (after.token_auth, after.token_parameters):
        raised = IntegrationRow.version + 1
    elif before.scope != after.scope:
        # An integration with a scope of its own proves itself as before.
        raised = IntegrationRow.version + case((IntegrationRow.scope.is_(None), 1), else_=0)
    else:
        raised = IntegrationRow.version + 0
    touched = await session.scalars(
        update(IntegrationRow)
        .where(IntegrationRow.provider == after.id)
        .values(revision=IntegrationRow.revision + 1, version=raised, updated_at=now)
        .returning(IntegrationRow.id)
    )
    return tuple(IntegrationId(touched_id) for touched_id in touched)
