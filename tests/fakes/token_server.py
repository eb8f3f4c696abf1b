"""A real OAuth2 authorization server (authlib's), behind the HTTP server of the tests."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from tests.fakes.http_server import Received, write

LIFETIME = 3600

Written = tuple[int, object, Mapping[str, str]]


@dataclass(slots=True)
class Client(ClientMixin):  # type: ignore[misc]  # authlib has no types
    """A client, and the one way in which it may prove itself."""

    client_id: str
    secret: str
    method: str = "client_secret_basic"

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, _: str) -> bool:
        return method == self.method

    def check_grant_type(self, _: str) -> bool:
        return True

    def get_allowed_scope(self, scope: str) -> str:
        return scope


@dataclass(slots=True)
class RefreshToken(TokenMixin):  # type: ignore[misc]  # authlib has no types
    """A refresh token that is good for one use."""

    client_id: str

    def check_client(self, client: Client) -> bool:
        return client.client_id == self.client_id

    def get_scope(self) -> str:
        return ""


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # authlib has no types
    """The grant of machines; both ways of proving oneself."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class Rotation(RefreshTokenGrant):  # type: ignore[misc]  # authlib has no types
    """The grant by refresh token; each is replaced when it is used."""

    INCLUDE_NEW_REFRESH_TOKEN = True
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        client_id = self.server.refresh_tokens.get(refresh_token)
        return RefreshToken(client_id) if client_id else None

    def authenticate_user(self, refresh_token: RefreshToken) -> str:
        return refresh_token.client_id

    def revoke_old_credential(self, _: RefreshToken) -> None:
        del self.server.refresh_tokens[self.request.form["refresh_token"]]


class _Request(OAuth2Request):  # type: ignore[misc]  # authlib has no types
    def __init__(self, received: Received) -> None:
        headers = {name.title(): value for name, value in received.headers.items()}
        super().__init__(received.method, "https://token.example/oauth/token", headers=headers)
        self._form = dict(parse_qsl(received.body.decode(), strict_parsing=True))
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self._form


@dataclass(slots=True)
class Issued:
    """What was granted."""

    access_tokens: list[str] = field(default_factory=list)
    scopes: list[str | None] = field(default_factory=list)


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # authlib has no types
    """Grants tokens to the clients it knows; `behave` is what an HttpServer calls."""

    def __init__(self, *clients: Client) -> None:
        super().__init__()
        self.clients = {client.client_id: client for client in clients}
        self.refresh_tokens: dict[str, str] = {}
        self.issued = Issued()
        self.register_grant(ClientCredentials)
        self.register_grant(Rotation)
        self.register_token_generator("default", self._grant)

    async def behave(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer a token request."""
        status, body, headers = self.create_token_response(received)
        await write(writer, status, body, headers)

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def save_token(self, token: dict[str, object], _: OAuth2Request) -> None:
        self.issued.access_tokens.append(str(token["access_token"]))

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Received | OAuth2Request) -> OAuth2Request:
        return _Request(request) if isinstance(request, Received) else request

    def handle_response(self, status: int, body: object, headers: list[tuple[str, str]]) -> Written:
        return status, json.dumps(body), dict(headers)

    def _grant(
        self,
        *,
        client: Client,
        scope: str | None = None,
        include_refresh_token: bool = True,
        **_: object,
    ) -> dict[str, object]:
        number = len(self.issued.access_tokens) + 1
        self.issued.scopes.append(scope)
        token: dict[str, object] = {
            "token_type": "Bearer",
            "access_token": f"access-{number}",
            "expires_in": LIFETIME,
        }
        if include_refresh_token:
            token["refresh_token"] = f"refresh-{number}"
            self.refresh_tokens[f"refresh-{number}"] = client.client_id
        return token
