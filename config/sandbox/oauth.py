"""The memory of the token endpoint: its clients, and the tokens that are good."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from config.sandbox.errors import RefusedGrant
from config.sandbox.moments import Clock

CLIENT_ID = "sandbox"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - printed on the front page
REFRESH_TOKEN = "sandbox-refresh"  # noqa: S105 - printed on the front page
LIFETIME = timedelta(hours=1)


class ExpiresIn(StrEnum):
    """How `expires_in` is written; not every server follows RFC 6749, 5.1."""

    NUMBER = "number"
    TEXT = "text"
    ABSENT = "absent"


class Access(Struct, frozen=True):
    """Whose an access token is, and until when it is good."""

    client: str
    expires: datetime


class Oauth:
    """Who may fetch tokens, and which tokens are good."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._good: dict[str, Access] = {}
        self.forget()

    def forget(self) -> None:
        """Go back to the one client everybody knows."""
        self._good.clear()
        self.issued = 0
        self.clients = {CLIENT_ID: CLIENT_SECRET}
        self.refresh_tokens = {REFRESH_TOKEN: CLIENT_ID}
        self.lifetime = LIFETIME
        self.expires_in = ExpiresIn.NUMBER

    @property
    def good(self) -> int:
        """How many access tokens are remembered."""
        return len(self._good)

    def revoke_all(self) -> None:
        """Let no access token issued so far be good any more."""
        self._good.clear()

    def client_of(self, token: str) -> str | None:
        """Return whose this token is; None if it is not good (any more)."""
        access = self._good.get(token)
        if access is None or access.expires <= self._clock():
            return None
        return access.client

    def prove(self, client_id: str, client_secret: str) -> str:
        """Let a client in, or refuse."""
        known = self.clients.get(client_id)
        if known is None or not secrets.compare_digest(known.encode(), client_secret.encode()):
            raise RefusedGrant(401, "invalid_client", "unknown client or wrong secret")
        return client_id

    def issue(self, client: str) -> dict[str, object]:
        """Give out an access token, in the words of RFC 6749, 5.1."""
        self._drop_expired()
        token = secrets.token_urlsafe(24)
        self._good[token] = Access(client, self._clock() + self.lifetime)
        self.issued += 1
        return {"access_token": token, "token_type": "Bearer", **self._lifetime()}

    def rotate(self, client: str, refresh_token: str) -> dict[str, object]:
        """Trade a refresh token for an access token and the next refresh token."""
        if self.refresh_tokens.get(refresh_token) != client:
            raise RefusedGrant(400, "invalid_grant", "unknown or used refresh token")
        del self.refresh_tokens[refresh_token]
        following = secrets.token_urlsafe(24)
        self.refresh_tokens[following] = client
        return {**self.issue(client), "refresh_token": following}

    def _lifetime(self) -> dict[str, object]:
        seconds = int(self.lifetime.total_seconds())
        match self.expires_in:
            case ExpiresIn.NUMBER:
                return {"expires_in": seconds}
            case ExpiresIn.TEXT:
                return {"expires_in": str(seconds)}
            case ExpiresIn.ABSENT:
                return {}

    def _drop_expired(self) -> None:
        now = self._clock()
        for token in [token for token, one in self._good.items() if one.expires <= now]:
            del self._good[token]
