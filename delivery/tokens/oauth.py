"""Access tokens: fetched once, shared by all workers, renewed before they end.

| key              | type   | content                                     | lifetime          |
|------------------|--------|---------------------------------------------|-------------------|
| `hub:{id}:token` | string | token, version, when to renew, end; sealed  | the token's own   |
| `hub:{id}:fetch` | string | the lock of whoever fetches a token now     | LOCK, renewed     |

A token belongs to the version of the integration it was fetched for, and serves no other. Secrets
and tokens stay out of logs, of reasons and of `repr`, also where a server echoes them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import httpx
import orjson
import redis.asyncio as aioredis
import structlog
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError
from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_fixed

from delivery.facts.counting import Counting, Uncounted
from delivery.facts.integration import Credentials, Integration, IntegrationId, Integrations
from delivery.facts.outcome import Failure, IntegrationRefused, NoAnswer, Reply, Unavailable
from delivery.facts.times import Clock, from_ms, length_ms, to_ms
from delivery.stores.keys import Keys
from delivery.stores.store import translated
from delivery.tokens.refresh_tokens import RefreshTokens
from delivery.tokens.sealed import Sealed, Sealer
from delivery.tokens.token_endpoint import Fetched, Grant, early, read_answer, token_request
from delivery.wire.exchange import FOREIGN, ask, no_answer

REMEMBERED = 10_000
"""How many tokens a process keeps at hand; the others are read from Redis."""
POSTPONED = timedelta(seconds=30)
LOCK = timedelta(seconds=10)
"""Short, because whoever holds it may be killed; renewed, because a fetch may take long."""
TRIES, PAUSE = 2, timedelta(milliseconds=100)
POLL = timedelta(milliseconds=50)
BUSY = "another worker has been fetching an access token for too long"

Token = str | Unavailable | IntegrationRefused
V = TypeVar("V")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Held:
    """A token as it is shared."""

    token: str = field(repr=False)
    version: int
    renew_at: datetime
    ends_at: datetime

    def write(self) -> str:
        """Give the token as it is sealed."""
        times = {"renew": to_ms(self.renew_at), "ends": to_ms(self.ends_at)}
        return orjson.dumps({"token": self.token, "version": self.version, **times}).decode()

    @classmethod
    def read(cls, text: str) -> "Held":
        """Read what `write` wrote."""
        written = orjson.loads(text)
        renew_at, ends_at = from_ms(written["renew"]), from_ms(written["ends"])
        return cls(written["token"], written["version"], renew_at, ends_at)


class Tokens:
    """The access tokens of all integrations."""

    def __init__(
        self,
        redis: aioredis.Redis,
        client: httpx.AsyncClient,
        sealer: Sealer,
        integrations: Integrations,
        clock: Clock,
        within: timedelta,
        meters: Counting | None = None,
    ) -> None:
        self._meters = meters or Uncounted()
        self._redis = redis
        self._client = client
        self._sealed = Sealed(redis, sealer)
        self._refresh_tokens = RefreshTokens(self._sealed, integrations)
        self._clock = clock
        self._within = within
        self._held: dict[IntegrationId, Held] = {}
        self._dropped: dict[IntegrationId, str] = {}
        self._flights: dict[tuple[IntegrationId, int], asyncio.Task[Token]] = {}

    async def token(self, integration: Integration) -> Token:
        """Give an access token that is good now, or why there is none.

        Whoever asks while one is being fetched waits for that one, and shares what comes of it.
        Raises StoreUnavailable, and what `integrations` raises.
        """
        held = self._held.get(integration.id)
        if held and held.version == integration.version and self._clock() < held.renew_at:
            return held.token
        key = integration.id, integration.version
        flight = self._flights.get(key)
        if flight is None:
            # A task of its own: the one who asked first may be cancelled, the others still wait.
            flight = asyncio.create_task(self._renewed(integration))
            self._flights[key] = flight
            flight.add_done_callback(lambda ended: self._land(key, ended))
        return await asyncio.shield(flight)

    async def drop(self, integration: Integration, token: str) -> None:
        """Forget this token, and no other, because the LRS did not accept it.

        The shared copy is left to be overwritten: another worker may have done so already, and a
        process that still believes in it will hear its own 401.
        """
        _put(self._dropped, integration.id, token)
        held = self._held.get(integration.id)
        if held and held.token == token:
            del self._held[integration.id]

    async def fetch(self, integration: Integration) -> Fetched:
        """Fetch a token past every cache; only a rotated refresh token is kept.

        Raises StoreUnavailable, and what `integrations` raises.
        """
        async with self._alone(integration) as alone:
            if alone:
                return await self._fetch(integration)
        reply = NoAnswer(Failure.TIMEOUT, BUSY, self._within)
        return Fetched(reply, Unavailable(BUSY))

    def _land(self, key: tuple[IntegrationId, int], ended: asyncio.Task[Token]) -> None:
        del self._flights[key]
        if not ended.cancelled():
            # Looked at, so that a flight whose askers have all gone does not complain.
            ended.exception()

    async def _renewed(self, integration: Integration) -> Token:
        held = await self._shared(integration)
        if held and self._clock() < held.renew_at:
            return self._remember(integration, held)
        async with self._alone(integration) as alone:
            held = await self._shared(integration)
            if held and self._clock() < held.renew_at:
                return self._remember(integration, held)
            if not alone:
                return Unavailable(BUSY)
            match (await self._fetch(integration)).grant:
                case Grant() as grant:
                    return await self._share(integration, grant)
                case Unavailable() if held and self._clock() < held.ends_at:
                    # Renewal begins early; until its end, the old token does as well.
                    later = min(self._clock() + POSTPONED, held.ends_at)
                    return self._remember(integration, replace(held, renew_at=later))
                case outcome:
                    return outcome

    async def _shared(self, integration: Integration) -> Held | None:
        text = await self._sealed.get(Keys(integration.id).token)
        held = Held.read(text) if text else None
        if held is None or held.version != integration.version:
            return None
        return None if held.token == self._dropped.get(integration.id) else held

    async def _share(self, integration: Integration, grant: Grant) -> str:
        ends_at = self._clock() + grant.lifetime
        renew_at = ends_at - early(grant.lifetime)
        held = Held(grant.access_token, integration.version, renew_at, ends_at)
        key = Keys(integration.id).token
        await self._sealed.set(key, held.write(), lifetime=grant.lifetime)
        return self._remember(integration, held)

    def _remember(self, integration: Integration, held: Held) -> str:
        _put(self._held, integration.id, held)
        return held.token

    @asynccontextmanager
    async def _alone(self, integration: Integration) -> AsyncIterator[bool]:
        """Hold the right to fetch; False if another kept it for too long."""
        lock = self._redis.lock(
            Keys(integration.id).fetch,
            timeout=LOCK.total_seconds(),
            sleep=POLL.total_seconds(),
            blocking_timeout=self._within.total_seconds(),
        )
        with translated():
            alone = await lock.acquire()
        renewal = asyncio.create_task(_renew(lock)) if alone else None
        try:
            yield alone
        finally:
            if renewal:
                renewal.cancel()
                # A lock that has lapsed is another's by now.
                with translated(), suppress(LockError):
                    await lock.release()

    async def _fetch(self, integration: Integration) -> Fetched:
        credentials = await self._refresh_tokens.newest(integration)
        fetched = read_answer(await self._ask(credentials), credentials)
        self._meters.count("tokens", _word(fetched))
        log.info(
            "token.fetched",
            integration=integration.id,
            outcome=type(fetched.grant).__name__,
            milliseconds=length_ms(fetched.reply.took),
        )
        rotated = fetched.grant.refresh_token if isinstance(fetched.grant, Grant) else None
        if rotated and credentials.refresh_token not in {None, rotated}:
            # Before the access token is used: whatever comes next, this one must not be lost.
            await self._refresh_tokens.keep(integration, rotated)
        return fetched

    async def _ask(self, credentials: Credentials) -> Reply:
        async def once() -> Reply:
            try:
                request = token_request(credentials)
            except FOREIGN as error:
                return no_answer(error, host="the token endpoint", took=timedelta())
            return await ask(
                self._client, request, within=self._within, clock=self._clock, whole=True
            )

        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_fixed(PAUSE),
            retry=retry_if_result(_was_cut),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        return await retrying(once)


def _word(fetched: Fetched) -> str:
    match fetched.grant:
        case Grant():
            return "granted"
        case Unavailable():
            return "unavailable"
        case _:
            return "refused"


def _was_cut(reply: Reply) -> bool:
    return isinstance(reply, NoAnswer) and reply.failure is Failure.CONNECTION_RESET


async def _renew(lock: Lock) -> None:
    while True:
        await asyncio.sleep(LOCK.total_seconds() / 3)
        try:
            await lock.reacquire()
        except LockError:
            # Given back, or another's by now; also the end if the cancellation went unheard.
            return
        except (RedisError, OSError) as error:
            # No reason to stop: at worst two fetch at the same time.
            log.warning("token.lock_unrenewed", error=str(error))


def _put(held: dict[IntegrationId, V], key: IntegrationId, value: V) -> None:
    held.pop(key, None)
    held[key] = value
    if len(held) > REMEMBERED:
        del held[next(iter(held))]
