"""What is asked of a token endpoint, and what its answer is worth. Pure.

Sources: RFC 6749, 2.3.1 (how a client proves itself), 4.4 and 6 (the grants), 5 (the answers).
"""

import base64
import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import quote, quote_plus, urlencode

import httpx
import orjson

from delivery.facts.integration import Credentials, TokenAuth
from delivery.facts.outcome import (
    Accepted,
    Answer,
    IntegrationRefused,
    NoAnswer,
    Reply,
    Unavailable,
    describe,
    judge,
)
from delivery.wire.exchange import masked
from delivery.wire.lrs import USER_AGENT, can_be_sent

INVALID = "Invalid Credentials (Client Id, Client Secret or Authentication URL may be incorrect)"
UNSTATED = timedelta(seconds=300)
"""How long a token is held good whose lifetime is missing or makes no sense."""
LONGEST = timedelta(days=1)
EARLY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token, and how long it is good."""

    access_token: str = field(repr=False)
    lifetime: timedelta
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a token endpoint said, secrets masked, and what it is worth."""

    reply: Reply
    grant: Grant | Unavailable | IntegrationRefused


def token_request(credentials: Credentials) -> httpx.Request:
    """Build the request. Raises httpx.InvalidURL or ValueError for what cannot be sent."""
    form = dict(credentials.token_parameters)
    if credentials.scope:
        form["scope"] = credentials.scope
    if credentials.refresh_token:
        form |= {"grant_type": "refresh_token", "refresh_token": credentials.refresh_token}
    else:
        form["grant_type"] = "client_credentials"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": USER_AGENT,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    # One way or the other, never both: servers answer 400 to both (RFC 6749, 2.3).
    if credentials.token_auth is TokenAuth.BASIC:
        headers["Authorization"] = f"Basic {_basic(credentials)}"
    else:
        form |= {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
    return httpx.Request(
        "POST", credentials.authentication_url, headers=headers, content=urlencode(form).encode()
    )


def read_answer(reply: Reply, credentials: Credentials) -> Fetched:
    """Judge an answer by the table of outcomes, and read the token if there is one."""
    shown = masked(reply, secrets_of(credentials))
    match judge(shown, count=1, tried=False):
        case Accepted() if isinstance(reply, Answer) and isinstance(shown, Answer):
            # What was granted may stand under any name, so the body of a success is not shown.
            return Fetched(replace(shown, body=""), _granted(reply, shown))
        case Unavailable(reason, retry_after):
            return Fetched(shown, Unavailable(f"Authentication URL: {reason}", retry_after))
        case IntegrationRefused(reason) if isinstance(shown, NoAnswer):
            return Fetched(shown, IntegrationRefused(f"Authentication URL: {reason}"))
        case _:
            return Fetched(shown, IntegrationRefused(f"{INVALID}: {describe(shown)}"))


def early(lifetime: timedelta) -> timedelta:
    """Say how long before its end a token is renewed: a tenth, but 30 s if there is time."""
    return max(lifetime / 10, min(EARLY, lifetime / 2))


def secrets_of(credentials: Credentials) -> Iterator[str]:
    """Give every form in which a server might echo what these credentials keep secret."""
    for secret in (credentials.client_secret, credentials.refresh_token):
        if secret:
            yield secret
            yield quote_plus(secret)
            yield quote(secret, safe="")
            yield json.dumps(secret)[1:-1]
            yield html.escape(secret)
    yield _basic(credentials)


def _basic(credentials: Credentials) -> str:
    pair = ":".join(quote(p, safe="") for p in (credentials.client_id, credentials.client_secret))
    return base64.b64encode(pair.encode()).decode()


def _granted(reply: Answer, shown: Answer) -> Grant | IntegrationRefused:
    answer = _json(reply.body)
    token, rotated = answer.get("access_token"), answer.get("refresh_token")
    if isinstance(token, str) and can_be_sent(token):
        refresh_token = rotated if isinstance(rotated, str) and rotated else None
        return Grant(token, _lifetime(answer.get("expires_in")), refresh_token)
    said = ["an answer without a usable access_token"]
    errors = _json(shown.body)
    said += [str(errors[key]) for key in ("error", "error_description") if key in errors]
    return IntegrationRefused(f"{INVALID}: HTTP {reply.status}: {': '.join(said)[:300]}")


def _json(body: str) -> dict[str, object]:
    try:
        answer = orjson.loads(body.removeprefix("\ufeff"))
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _lifetime(expires_in: object) -> timedelta:
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return UNSTATED
    try:
        seconds = float(expires_in)
    except ValueError:
        return UNSTATED
    # Zero and less is how some servers write "for ever"; what is not so is told by a 401.
    return timedelta(seconds=min(seconds, LONGEST.total_seconds())) if seconds > 0 else UNSTATED
