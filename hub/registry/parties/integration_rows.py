"""From facts to rows of integrations and back; here their secrets are sealed and opened."""

import uuid
from datetime import datetime

from delivery.facts.integration import Credentials, Integration, IntegrationId
from hub.errors import SealBroken, UnknownSecretKey
from hub.registry.parties.integration_records import (
    IntegrationChanges,
    IntegrationMark,
    IntegrationRecord,
    NewIntegration,
)
from hub.registry.parties.providers import Provider
from hub.registry.sql.tables import IntegrationRow
from hub.registry.trust.vault import Vault

SECRETS = frozenset({"client_secret", "refresh_token"})
BLANK_STAYS = SECRETS | {"client_id"}


def new_row(program_id: str, new: NewIntegration, *, vault: Vault, now: datetime) -> IntegrationRow:
    """Return a row for a new integration, with a new id."""
    row = IntegrationRow(
        id=str(uuid.uuid4()),
        program_id=program_id,
        provider=new.provider,
        name=new.name,
        technical_emails=new.technical_emails,
        statement_url=new.statement_url,
        authentication_url=new.authentication_url,
        client_id=new.client_id,
        batch_size=new.batch_size,
        concurrency=new.concurrency,
        scope=new.scope,
        enabled=new.enabled,
        version=1,
        revision=1,
        created_at=now,
        updated_at=now,
    )
    row.client_secret = vault.seal(new.client_secret, row=_place(row, "client_secret"))
    if new.refresh_token:
        row.refresh_token = vault.seal(new.refresh_token, row=_place(row, "refresh_token"))
    return row


def differing(
    row: IntegrationRow, changes: IntegrationChanges, *, vault: Vault
) -> dict[str, object]:
    """Return the columns that `changes` would change, ready to be stored."""
    wanted = {name: value for name, value in changes.items() if not _stays(name, value)}
    return {
        name: _sealed(row, name, value, vault) if name in SECRETS else value
        for name, value in wanted.items()
        if value != _current(row, name, vault)
    }


def read_record(row: IntegrationRow) -> IntegrationRecord:
    """Return what may be shown of a row."""
    return IntegrationRecord(
        id=IntegrationId(row.id),
        program_id=row.program_id,
        name=row.name,
        provider=row.provider,
        technical_emails=row.technical_emails,
        statement_url=row.statement_url,
        authentication_url=row.authentication_url,
        client_id=row.client_id,
        has_client_secret=bool(row.client_secret),
        has_refresh_token=bool(row.refresh_token),
        batch_size=row.batch_size,
        concurrency=row.concurrency,
        scope=row.scope,
        enabled=row.enabled,
        version=row.version,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleting_at=row.deleting_at,
    )


def read_mark(row: IntegrationRow) -> IntegrationMark:
    """Return what a sweep needs of a row."""
    deleting = row.deleting_at is not None
    return IntegrationMark(IntegrationId(row.id), row.version, row.revision, row.enabled, deleting)


def read_integration(row: IntegrationRow, provider: Provider, *, vault: Vault) -> Integration:
    """Return what delivery needs: secrets opened, the provider's defaults filled in."""
    return Integration(
        id=IntegrationId(row.id),
        program_id=row.program_id,
        name=row.name,
        provider=row.provider,
        technical_emails=row.technical_emails,
        statement_url=row.statement_url,
        credentials=Credentials(
            authentication_url=row.authentication_url,
            client_id=row.client_id,
            client_secret=vault.open(row.client_secret, row=_place(row, "client_secret")),
            refresh_token=_opened(row, "refresh_token", vault),
            token_auth=provider.token_auth,
            scope=provider.scope if row.scope is None else row.scope,
            token_parameters=provider.token_parameters,
        ),
        xapi_version=provider.xapi_version,
        batch_size=row.batch_size or provider.batch_size,
        concurrency=row.concurrency or provider.concurrency,
        enabled=row.enabled,
        version=row.version,
        revision=row.revision,
    )


def _place(row: IntegrationRow, name: str) -> str:
    return f"integrations/{row.id}/{name}"


def _stays(name: str, value: object) -> bool:
    return name in BLANK_STAYS and isinstance(value, str) and not value.strip()


def _sealed(row: IntegrationRow, name: str, value: object, vault: Vault) -> str | None:
    return None if value is None else vault.seal(str(value), row=_place(row, name))


def _opened(row: IntegrationRow, name: str, vault: Vault) -> str | None:
    sealed = getattr(row, name)
    return None if sealed is None else vault.open(sealed, row=_place(row, name))


def _current(row: IntegrationRow, name: str, vault: Vault) -> object:
    if name not in SECRETS:
        return getattr(row, name)
    try:
        return _opened(row, name, vault)
    except (UnknownSecretKey, SealBroken):
        # A secret that is lost equals nothing: saving it anew is the way out, so that must work.
        return object()
