"""The facts about integrations: what is given to make or change one, and what is shown of one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from delivery.facts.integration import IntegrationId


@dataclass(frozen=True, slots=True)
class NewIntegration:
    """What a new integration is made of. None: as the provider says."""

    name: str
    provider: str
    technical_emails: tuple[str, ...]
    statement_url: str
    authentication_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    batch_size: int | None = None
    concurrency: int | None = None
    scope: str | None = None
    enabled: bool = True


class IntegrationChanges(TypedDict, total=False):
    """What is to change. Blank credentials stay as they were; a refresh token of None goes."""

    name: str
    technical_emails: tuple[str, ...]
    statement_url: str
    authentication_url: str
    client_id: str
    client_secret: str
    refresh_token: str | None
    batch_size: int | None
    concurrency: int | None
    scope: str | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class IntegrationRecord:
    """An integration as it may be shown: without its secrets."""

    id: IntegrationId
    program_id: str
    name: str
    provider: str
    technical_emails: tuple[str, ...]
    statement_url: str
    authentication_url: str
    client_id: str
    has_client_secret: bool
    has_refresh_token: bool
    batch_size: int | None
    concurrency: int | None
    scope: str | None
    enabled: bool
    version: int
    revision: int
    created_at: datetime
    updated_at: datetime
    deleting_at: datetime | None


@dataclass(frozen=True, slots=True)
class IntegrationMark:
    """As much of an integration as a sweep over all of them needs."""

    id: IntegrationId
    version: int
    revision: int
    enabled: bool
    deleting: bool
