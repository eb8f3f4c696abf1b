"""An integration, as delivery sees it: where statements go, and what to prove there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, Protocol

IntegrationId = NewType("IntegrationId", str)


class TokenAuth(StrEnum):
    """How the client proves itself at the token endpoint (RFC 6749, 2.3.1)."""

    BASIC = "basic"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an integration proves itself with. Never logged: the secrets are left out of `repr`."""

    authentication_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    token_auth: TokenAuth = TokenAuth.BASIC
    scope: str | None = None
    token_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Integration:
    """One program's connection to one provider's LRS.

    `version` rises with every change of address or credentials, and what an earlier version was
    refused for is then released. `revision` rises with every change whatever, so that caches
    notice.
    """

    id: IntegrationId
    program_id: str
    name: str
    provider: str
    technical_emails: tuple[str, ...]
    statement_url: str
    credentials: Credentials
    xapi_version: str = "1.0.3"
    batch_size: int = 1
    concurrency: int = 1
    enabled: bool = True
    version: int = 1
    revision: int = 1


class Integrations(Protocol):
    """Where delivery learns what an integration is now. Raises when its store is away."""

    async def find(self, integration_id: IntegrationId) -> Integration | None:
        """Return the integration as it stands now; None once it is deleted."""
        ...

    async def keep_refresh_token(self, integration: Integration, refresh_token: str) -> None:
        """Store a refresh token that the token endpoint has just rotated, before it is used.

        Raises the revision, not the version. Does nothing if the version has moved on.
        """
        ...
