"""A real authorization server that an LRS can ask about tokens: discovery and introspection.

Sources: OpenID Connect Discovery 1.0, 4; RFC 7662.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Self

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from tests.fakes.clock import FakeClock
from tests.fakes.http_server import HttpServer, Received, write
from tests.fakes.token_server import Client, RefreshToken, Rotation, TokenServer

LIFETIME = timedelta(hours=1)


class AccessToken:
    """A token that was issued, as introspection tells of it."""

    def __init__(self, *, scope: str | None, ends_at: datetime, clock: FakeClock) -> None:
        self.scope = scope
        self.ends_at = ends_at
        self._clock = clock
        self.revoked = False

    def is_expired(self) -> bool:
        return self._clock() >= self.ends_at

    def is_revoked(self) -> bool:
        return self.revoked


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # authlib has no types
    """Tells an LRS what a token is good for."""

    def query_token(self, token: str, _: str | None) -> AccessToken | None:
        found: AccessToken | None = self.server.tokens.get(token)
        return found

    def check_permission(self, _: AccessToken, client: Client, __: OAuth2Request) -> bool:
        return client.client_id == str(self.server.lrs_id)

    def introspect_token(self, token: AccessToken) -> dict[str, object]:
        return {
            "client_id": "hub",
            "iss": self.server.url,
            "scope": token.scope,
            "iat": (token.ends_at - LIFETIME).timestamp(),
            "exp": token.ends_at.timestamp(),
        }


class ScopedRefreshToken(RefreshToken):
    """A refresh token that may ask for what writing to an LRS needs."""

    def get_scope(self) -> str:
        return "statements/write"


class ScopedRotation(Rotation):
    """The grant by refresh token, where a scope may be asked for."""

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        found = super().authenticate_refresh_token(refresh_token)
        return ScopedRefreshToken(found.client_id) if found else None


class Issuer(TokenServer):
    """Issues tokens, and answers for them; its clock is moved by hand."""

    def __init__(self, *clients: Client, lrs: Client, clock: FakeClock) -> None:
        super().__init__(*clients, lrs)
        self.lrs_id = lrs.client_id
        self.clock = clock
        self.tokens: dict[str, AccessToken] = {}
        self.url = ""
        self.register_endpoint(Introspection)

    def register_grant(self, grant: type, extensions: object = None) -> None:
        super().register_grant(ScopedRotation if grant is Rotation else grant, extensions)

    def at(self, server: HttpServer) -> Self:
        """Answer at a server's address."""
        self.url = server.url("/issuer")
        server.otherwise = self.behave
        return self

    def revoke_all(self) -> None:
        """Take every access token back that was issued so far."""
        for token in self.tokens.values():
            token.revoked = True

    async def behave(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer whatever is asked here."""
        match received.target:
            case "/issuer/.well-known/openid-configuration":
                await write(
                    writer, 200, self._configuration(), {"Content-Type": "application/json"}
                )
            case "/issuer/introspect":
                await write(writer, *self.create_endpoint_response("introspection", received))
            case "/issuer/token":
                await super().behave(received, writer)
            case _:
                await write(writer, 404, b"", {})

    def _configuration(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "token_endpoint": f"{self.url}/token",
            "introspection_endpoint": f"{self.url}/introspect",
            "userinfo_endpoint": f"{self.url}/userinfo",
        }

    def save_token(self, token: dict[str, object], request: OAuth2Request) -> None:
        super().save_token(token, request)
        self.tokens[str(token["access_token"])] = AccessToken(
            scope=self.issued.scopes[-1], ends_at=self.clock() + LIFETIME, clock=self.clock
        )
