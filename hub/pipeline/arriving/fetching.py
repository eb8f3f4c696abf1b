"""Fetching a page of somebody's API: guarded, bounded, with short retries, and never an exception.

The one place where sources are asked over HTTP.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt

from delivery.facts.integration import Credentials, TokenAuth
from delivery.facts.outcome import Answer, NoAnswer
from delivery.tokens.token_endpoint import Grant, early, read_answer, token_request
from delivery.wire.exchange import FOREIGN, ask, no_answer, read_retry_after
from delivery.wire.lrs import USER_AGENT
from hub.registry.sql.clock import Clock
from hub.sources.origins import origin
from hub.sources.settings import PollSource

LARGEST_PAGE = 8 * 1024 * 1024
TRIES = 3
PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
MOST_TOKENS = 1000
MOST_SHOWN = 100
LIMITS = ("x-ratelimit", "ratelimit", "x-rate-limit")
"""How headers begin that tell of a limit of requests (GitHub, HubSpot, Zoom, Okta)."""
SINCE_1970, LONGEST_RESET = 1_000_000_000, len("1700000000")
MOST_PATIENCE = timedelta(days=1)

Proof = Mapping[str, str]
"""Headers in which we prove ourselves."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that can be read."""

    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoPage:
    """Why there is none, and when to come back, if the server said so. `again`: it may pass."""

    reason: str
    again: bool
    after: timedelta | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    until: datetime
    of: tuple[object, ...]
    """What it was got with, and for which server: for anything else it is none."""


class Fetching:
    """Fetches pages; access tokens are kept as long as they are good."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        within: timedelta,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._within = within
        self._clock = clock
        self._sleep = sleep
        self._tokens: dict[str, _Held] = {}

    async def page(self, source_id: str, source: PollSource, url: str) -> Page | NoPage:
        """Fetch one page. What fails and may pass is tried again, thrice in all."""
        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(TRIES),
            wait=_pause,
            retry=retry_if_result(_is_worth_it),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        found: Page | NoPage = await retrying(self._once, source_id, source, url)
        return found

    async def confirm(self, url: str) -> str | None:
        """Ask for an address once, for no other reason; say what was in the way, if anything."""
        request = self._client.build_request("GET", url, headers={"User-Agent": USER_AGENT})
        reply = await ask(self._client, request, within=self._within, clock=self._clock)
        match reply:
            case Answer(status=status) if 200 <= status < 300:
                return None
            case Answer(status=status):
                return f"{request.url.host} answered {status}"
            case NoAnswer(detail=detail):
                return detail

    async def _once(self, source_id: str, source: PollSource, url: str) -> Page | NoPage:
        shown = await self._authorization(source_id, source)
        if isinstance(shown, NoPage):
            return shown
        found = await self._get(source, url, shown)
        if isinstance(found, NoPage) and found.status == 401 and self._forgot(source_id):
            shown = await self._authorization(source_id, source)
            return shown if isinstance(shown, NoPage) else await self._get(source, url, shown)
        return found

    def _forgot(self, source_id: str) -> bool:
        return self._tokens.pop(source_id, None) is not None

    async def _authorization(self, source_id: str, source: PollSource) -> Proof | NoPage:
        auth = source.auth
        match auth.type:
            case "none":
                return {}
            case "basic":
                pair = f"{auth.username}:{auth.password}".encode()
                return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
            case "bearer":
                return {"Authorization": f"Bearer {auth.token}"}
            case "header":
                return {auth.header or "": auth.token or ""}
            case "oauth2":
                token = await self._token(source_id, source)
                return token if isinstance(token, NoPage) else {"Authorization": token}

    async def _token(self, source_id: str, source: PollSource) -> str | NoPage:
        held, auth, of = self._tokens.get(source_id), source.auth, _meant(source)
        if held is not None and held.of == of and self._clock() < held.until:
            return f"Bearer {held.token}"
        credentials = Credentials(
            authentication_url=auth.token_url or "",
            client_id=auth.client_id or "",
            client_secret=auth.client_secret or "",
            scope=auth.scope,
            token_auth=TokenAuth(auth.token_auth),
        )
        try:
            request = token_request(credentials)
        except FOREIGN as error:
            return NoPage(f"the token endpoint cannot be asked: {error}", again=False)
        reply = await ask(self._client, request, within=self._within, clock=self._clock, whole=True)
        match read_answer(reply, credentials).grant:
            case Grant(token, lifetime):
                while len(self._tokens) >= MOST_TOKENS:
                    del self._tokens[next(iter(self._tokens))]
                until = self._clock() + lifetime - early(lifetime)
                self._tokens[source_id] = _Held(token, until, of)
                return f"Bearer {token}"
            case outcome:
                return NoPage(outcome.reason, again=False)

    async def _get(self, source: PollSource, url: str, shown: Proof) -> Page | NoPage:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **source.headers}
        headers |= {"Accept-Encoding": "identity", **shown}
        start = self._clock()
        try:
            host = httpx.URL(url).host
        except (httpx.InvalidURL, ValueError) as error:
            return NoPage(f"{url[:MOST_SHOWN]!r} is no address: {error}", again=False)
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                request = self._client.build_request("GET", url, headers=headers)
                response = await self._client.send(request, stream=True)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except FOREIGN as error:
            reply = no_answer(error, host=host, took=self._clock() - start, within=self._within)
            return NoPage(reply.detail, again=True)
        if content is None:
            return NoPage(f"the page has more than {LARGEST_PAGE // 1024 // 1024} MiB", again=False)
        if not response.is_success:
            after = _patience(response.headers, self._clock)
            words = f"{host} answered {response.status_code} {response.reason_phrase}".strip()
            again = response.status_code in AGAIN
            return NoPage(words, again=again, after=after, status=response.status_code)
        return Page(content, {k.lower(): v for k, v in response.headers.items()})


def _meant(source: PollSource) -> tuple[object, ...]:
    auth = source.auth
    given = auth.token_url, auth.client_id, auth.client_secret, auth.scope
    return (*origin(source.url), *given)


def _patience(headers: Mapping[str, str], clock: Clock) -> timedelta | None:
    """Say how long a server wants to be left alone, if it says so."""
    if delay := headers.get("retry-after"):
        return read_retry_after(delay, headers.get("date"), clock)
    for prefix in LIMITS:
        left, reset = (headers.get(f"{prefix}-{name}", "") for name in ("remaining", "reset"))
        if left == "0" and reset.isdecimal() and len(reset) <= LONGEST_RESET:
            # Seconds from now, or since 1970.
            seconds = int(reset)
            away = seconds - clock().timestamp() if seconds > SINCE_1970 else float(seconds)
            return timedelta(seconds=min(max(away, 1), MOST_PATIENCE.total_seconds()))
    return None


async def _read(response: httpx.Response) -> bytes | None:
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > LARGEST_PAGE:
            return None
    return bytes(content)


def _is_worth_it(found: Page | NoPage) -> bool:
    if isinstance(found, Page) or not found.again:
        return False
    # What asks for more patience than this is asked again in another round.
    return found.after is None or found.after <= LONGEST_PAUSE


def _pause(state: RetryCallState) -> float:
    found = state.outcome.result() if state.outcome else None
    if isinstance(found, NoPage) and found.after is not None:
        return found.after.total_seconds()
    return PAUSE.total_seconds() * float(2 ** (state.attempt_number - 1))
