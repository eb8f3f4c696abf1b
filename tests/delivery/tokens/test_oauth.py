"""Access tokens: fetched once for everybody, renewed in time, and never shown."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import parse_qs, quote, quote_plus

import fakeredis
import httpx
import pytest
import pytest_asyncio
import redis.asyncio as aioredis
import structlog

from delivery.facts.errors import SealBroken, StoreUnavailable
from delivery.facts.integration import Integration, TokenAuth
from delivery.facts.outcome import Answer, IntegrationRefused, Unavailable
from delivery.stores.keys import Keys
from delivery.tokens.oauth import Held, Tokens
from delivery.tokens.token_endpoint import Grant, early
from delivery.wire.egress import Egress
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import (
    Behaviour,
    HttpServer,
    Received,
    closes,
    http_server,
    resets,
    says,
    sends,
    silent,
)
from tests.fakes.registry import FakeRegistry, an_integration
from tests.fakes.sealer import PlainSealer
from tests.fakes.token_server import Client, TokenServer
from tests.waiting import until

WITHIN = timedelta(seconds=5)
SHORT = timedelta(milliseconds=200)
SECRET = "s3cr:et/+ ü&=%"
WORDS = "Invalid Credentials (Client Id, Client Secret or Authentication URL may be incorrect)"


class RegistryAway(Exception):
    """The registry cannot be reached."""


class FragileRegistry(FakeRegistry):
    """A registry whose SQL can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    async def keep_refresh_token(self, integration: Integration, refresh_token: str) -> None:
        if self.away:
            raise RegistryAway
        await super().keep_refresh_token(integration, refresh_token)


class LostKeySealer(PlainSealer):
    """A sealer that can open nothing: its keys were lost."""

    def open(self, sealed: str, *, row: str) -> str:
        raise SealBroken(f"{row} of {len(sealed)} characters")


class Bench:
    """A Redis, a token server, and as many worker processes as a test wants."""

    def __init__(self, server: HttpServer, client: httpx.AsyncClient) -> None:
        self.server = server
        self.client = client
        self.redis = fakeredis.FakeAsyncRedis()
        self.registry = FragileRegistry()
        self.clock = FakeClock()

    def process(self, *, within: timedelta = WITHIN, sealer: PlainSealer | None = None) -> Tokens:
        """Give the tokens as one process has them."""
        return Tokens(
            self.redis, self.client, sealer or PlainSealer(), self.registry, self.clock, within
        )

    def integration(self, **credentials: object) -> Integration:
        """Register an integration to the token server; `credentials` are fields of those."""
        made = an_integration()
        fields = {
            "authentication_url": self.server.url("/oauth/token"),
            "client_id": "hub:client",
            "client_secret": SECRET,
        }
        changed = replace(made.credentials, **(fields | credentials))  # type: ignore[arg-type]  # fields by name
        integration = replace(made, credentials=changed)
        self.registry.put(integration)
        return integration

    def form(self, number: int = -1) -> dict[str, list[str]]:
        """Give the fields of a request that the server got."""
        return parse_qs(self.server.requests[number].body.decode(), keep_blank_values=True)


def granted(**fields: object) -> Behaviour:
    return says(200, {"access_token": "t0ken", "token_type": "Bearer", **fields})


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(http_server(granted(expires_in=3600)))
        egress = Egress([ip_network("127.0.0.0/8")])
        client = await stack.enter_async_context(egress.open_client(timeout=WITHIN))
        bench = Bench(server, client)
        stack.push_async_callback(bench.redis.aclose)
        yield bench


# Against a real authorization server.


@pytest.mark.parametrize(
    ("token_auth", "method"),
    [(TokenAuth.BASIC, "client_secret_basic"), (TokenAuth.BODY, "client_secret_post")],
)
async def test_an_authorization_server_grants_a_token(
    bench: Bench, token_auth: TokenAuth, method: str
) -> None:
    authority = TokenServer(Client("hub:client", SECRET, method))
    bench.server.otherwise = authority.behave
    integration = bench.integration(token_auth=token_auth, scope="xapi:write lrs")

    token = await bench.process().token(integration)

    assert token == "access-1"
    assert authority.issued.scopes == ["xapi:write lrs"]


@pytest.mark.parametrize("token_auth", list(TokenAuth))
async def test_an_authorization_server_refuses_a_wrong_secret(
    bench: Bench, token_auth: TokenAuth
) -> None:
    bench.server.otherwise = TokenServer(Client("hub:client", "other")).behave

    outcome = await bench.process().token(bench.integration(token_auth=token_auth))

    assert isinstance(outcome, IntegrationRefused)
    assert outcome.reason.startswith(f"{WORDS}: HTTP 401: ")
    assert "invalid_client" in outcome.reason


async def test_refresh_tokens_rotate_and_each_is_kept_before_it_is_needed(bench: Bench) -> None:
    authority = TokenServer(Client("hub:client", SECRET))
    authority.refresh_tokens["first"] = "hub:client"
    bench.server.otherwise = authority.behave
    # As a drain does, which holds the integration as it was when it began.
    integration = bench.integration(refresh_token="first")
    tokens = bench.process()

    for number in (1, 2, 3):
        assert await tokens.token(integration) == f"access-{number}"
        kept = bench.registry.integrations[integration.id].credentials.refresh_token
        assert kept == f"refresh-{number}"
        await tokens.drop(integration, f"access-{number}")

    assert list(authority.refresh_tokens) == ["refresh-3"]


async def test_a_used_refresh_token_is_refused(bench: Bench) -> None:
    bench.server.otherwise = TokenServer(Client("hub:client", SECRET)).behave

    outcome = await bench.process().token(bench.integration(refresh_token="gone"))

    assert isinstance(outcome, IntegrationRefused)
    assert "invalid_grant" in outcome.reason


# What is asked.


async def test_id_and_secret_are_urlencoded_before_they_are_basic(bench: Bench) -> None:
    await bench.process().token(bench.integration())

    received = bench.server.requests[0]
    kind, _, proof = received.headers["authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(proof).decode() == f"hub%3Aclient:{quote(SECRET, safe='')}"
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    assert bench.form() == {"grant_type": ["client_credentials"]}


async def test_in_the_body_there_is_no_header(bench: Bench) -> None:
    await bench.process().token(bench.integration(token_auth=TokenAuth.BODY))

    assert "authorization" not in bench.server.requests[0].headers
    assert bench.form() == {
        "grant_type": ["client_credentials"],
        "client_id": ["hub:client"],
        "client_secret": [SECRET],
    }


async def test_scope_and_further_parameters_are_sent(bench: Bench) -> None:
    parameters = {"audience": "https://lrs.example/?a=b&c", "grant_type": "password"}

    await bench.process().token(bench.integration(scope="a b", token_parameters=parameters))

    assert bench.form() == {
        "audience": ["https://lrs.example/?a=b&c"],
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
    }


# How long a token serves.


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ({"expires_in": 3600}, 3600),
        ({"expires_in": "3600"}, 3600),
        ({"expires_in": 3599.5}, 3599.5),
        ({"expires_in": " 60 "}, 60),
        ({"expires_in": 5}, 5),
        ({}, 300),
        ({"expires_in": None}, 300),
        ({"expires_in": True}, 300),
        ({"expires_in": 0}, 300),
        ({"expires_in": -1}, 300),
        ({"expires_in": "never"}, 300),
        ({"expires_in": "nan"}, 300),
        ({"expires_in": [60]}, 300),
        ({"expires_in": "inf"}, 86400),
        ({"expires_in": 10**40}, 86400),
        ({"expires_in": 1795000000}, 86400),
    ],
    ids=repr,
)
async def test_the_lifetime_is_what_was_stated_if_it_makes_sense(
    bench: Bench, stated: Mapping[str, object], seconds: float
) -> None:
    bench.server.otherwise = granted(**stated)

    fetched = await bench.process().fetch(bench.integration())

    assert fetched.grant == Grant("t0ken", timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("lifetime", "before"), [(86400, 8640), (3600, 360), (100, 30), (60, 30), (20, 10), (1, 0.5)]
)
def test_a_token_is_renewed_before_its_end(lifetime: float, before: float) -> None:
    assert early(timedelta(seconds=lifetime)) == timedelta(seconds=before)


async def test_a_token_serves_until_it_is_to_be_renewed(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()

    await tokens.token(integration)
    bench.clock.move(seconds=3239)
    await tokens.token(integration)
    assert len(bench.server.requests) == 1

    bench.clock.move(seconds=1)
    await tokens.token(integration)
    assert len(bench.server.requests) == 2


async def test_while_the_token_server_is_away_the_old_token_serves_to_its_end(
    bench: Bench,
) -> None:
    tokens, integration = bench.process(), bench.integration()
    await tokens.token(integration)
    bench.server.otherwise = says(503)

    bench.clock.move(seconds=3300)
    first = [await tokens.token(integration) for _ in range(3)]
    bench.clock.move(seconds=300)
    last = await tokens.token(integration)

    assert first == ["t0ken"] * 3
    assert isinstance(last, Unavailable)
    assert len(bench.server.requests) == 3


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", None])
async def test_the_case_of_the_token_type_does_not_matter(bench: Bench, kind: str | None) -> None:
    bench.server.otherwise = says(200, {"access_token": "t0ken", "token_type": kind})

    assert await bench.process().token(bench.integration()) == "t0ken"


# One for all.


async def test_all_coroutines_share_one_fetch(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()

    found = await asyncio.gather(*(tokens.token(integration) for _ in range(50)))

    assert set(found) == {"t0ken"}
    assert len(bench.server.requests) == 1


async def test_all_processes_share_one_fetch(bench: Bench) -> None:
    integration = bench.integration()
    processes = [bench.process() for _ in range(8)]

    found = await asyncio.gather(*(process.token(integration) for process in processes))

    assert set(found) == {"t0ken"}
    assert len(bench.server.requests) == 1


async def test_all_who_wait_share_the_failure_too(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()
    bench.server.otherwise = says(503)

    found = await asyncio.gather(*(tokens.token(integration) for _ in range(10)))

    assert all(isinstance(outcome, Unavailable) for outcome in found)
    assert len(bench.server.requests) == 1


async def test_who_asked_first_may_go_away(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()
    first = asyncio.create_task(tokens.token(integration))
    second = asyncio.create_task(tokens.token(integration))
    await until(lambda: bool(bench.server.requests))

    first.cancel()

    assert await second == "t0ken"
    assert len(bench.server.requests) == 1


async def test_a_token_is_sealed_in_redis_and_ends_there_with_its_life(bench: Bench) -> None:
    integration = bench.integration()

    await bench.process().token(integration)

    key = Keys(integration.id).token
    assert str(await bench.redis.get(key)).startswith(f"b'sealed:{key}:")
    assert 3_590_000 < await bench.redis.pttl(key) <= 3_600_000
    assert await bench.redis.keys("*fetch*") == []


async def test_a_token_that_cannot_be_opened_is_fetched_again(bench: Bench) -> None:
    integration = bench.integration()
    await bench.process().token(integration)

    token = await bench.process(sealer=LostKeySealer()).token(integration)

    assert token == "t0ken"
    assert len(bench.server.requests) == 2


async def test_a_token_serves_the_version_it_was_fetched_for_alone(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()
    await tokens.token(integration)

    await tokens.token(replace(integration, version=2))
    await bench.process().token(replace(integration, version=3))

    assert len(bench.server.requests) == 3


async def test_a_name_alone_does_not_make_a_new_token(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()
    await tokens.token(integration)

    await tokens.token(replace(integration, name="other", revision=2))

    assert len(bench.server.requests) == 1


async def test_a_dropped_token_is_replaced_once_for_all(bench: Bench) -> None:
    bench.server.script = [granted(), says(200, {"access_token": "second"})]
    integration = bench.integration()
    here, there = bench.process(), bench.process()
    assert (await here.token(integration), await there.token(integration)) == ("t0ken", "t0ken")

    for process in (here, there):
        await process.drop(integration, "t0ken")
        assert await process.token(integration) == "second"

    assert len(bench.server.requests) == 2


async def test_only_the_token_that_was_named_is_dropped(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()
    await tokens.token(integration)

    await tokens.drop(integration, "an older one")

    assert await tokens.token(integration) == "t0ken"
    assert len(bench.server.requests) == 1


async def test_a_process_that_died_fetching_holds_nobody_up_for_long(bench: Bench) -> None:
    integration = bench.integration()
    await bench.redis.set("hub:{acme}:fetch", "a dead process", px=100)

    token = await bench.process(within=timedelta(seconds=2)).token(integration)

    assert token == "t0ken"


async def test_waiting_for_another_process_is_bounded(bench: Bench) -> None:
    integration = bench.integration()
    await bench.redis.set("hub:{acme}:fetch", "a slow process", px=60_000)
    tokens = bench.process(within=SHORT)

    waited = await tokens.token(integration)
    fetched = await tokens.fetch(integration)

    assert isinstance(waited, Unavailable)
    assert isinstance(fetched.grant, Unavailable)
    assert "another worker" in waited.reason
    assert bench.server.requests == []


async def test_a_fetch_that_takes_long_keeps_its_lock(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.tokens.oauth.LOCK", timedelta(milliseconds=200))
    left: list[int] = []

    async def was_renewed() -> bool:
        left.append(await bench.redis.pttl("hub:{acme}:fetch"))
        return left[-1] > min(left)

    async def slow(received: Received, writer: asyncio.StreamWriter) -> None:
        await until(was_renewed, what="the lock's renewal")
        await granted()(received, writer)

    bench.server.script = [slow]

    assert await bench.process().token(bench.integration()) == "t0ken"
    assert min(left) > 0


async def test_a_lock_that_lapsed_meanwhile_is_left_to_its_new_owner(bench: Bench) -> None:
    async def steals(received: Received, writer: asyncio.StreamWriter) -> None:
        await bench.redis.set("hub:{acme}:fetch", "another", px=60_000)
        await granted()(received, writer)

    bench.server.script = [steals]

    assert await bench.process().token(bench.integration()) == "t0ken"
    assert await bench.redis.get("hub:{acme}:fetch") == b"another"


async def test_few_tokens_are_remembered_and_the_others_read_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.tokens.oauth.REMEMBERED", 2)
    tokens = bench.process()
    integrations = [replace(bench.integration(), id=name) for name in ("a", "b", "c")]  # type: ignore[arg-type]  # ids by hand

    for integration in [*integrations, *integrations]:
        await tokens.token(integration)

    assert len(bench.server.requests) == 3


async def test_without_redis_there_are_no_tokens() -> None:
    away = fakeredis.FakeServer()
    away.connected = False
    redis: aioredis.Redis = fakeredis.FakeAsyncRedis(server=away)
    async with httpx.AsyncClient() as client, redis:
        tokens = Tokens(redis, client, PlainSealer(), FakeRegistry(), FakeClock(), WITHIN)

        with pytest.raises(StoreUnavailable):
            await tokens.token(an_integration())


async def test_a_token_at_hand_needs_no_redis(bench: Bench) -> None:
    tokens, integration = bench.process(), bench.integration()
    await tokens.token(integration)
    await bench.redis.flushall()

    assert await tokens.token(integration) == "t0ken"
    assert len(bench.server.requests) == 1


# What the token server may do.


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_token_server_that_is_down_makes_us_wait(bench: Bench, status: int) -> None:
    bench.server.otherwise = says(status, "later", {"Retry-After": "90"})

    outcome = await bench.process().token(bench.integration())

    reason = f"Authentication URL: HTTP {status}: later"
    assert outcome == Unavailable(reason, timedelta(seconds=90))


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 409, 410, 415, 422])
async def test_a_token_server_that_refuses_stops_the_integration(bench: Bench, status: int) -> None:
    bench.server.otherwise = says(status, "no")

    outcome = await bench.process().token(bench.integration())

    assert outcome == IntegrationRefused(f"{WORDS}: HTTP {status}: no")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, ""),
        ([], ""),
        ("<html>Sign in</html>", ""),
        (b"\xff", ""),
        ({"access_token": None}, ""),
        ({"access_token": ""}, ""),
        ({"access_token": 7}, ""),
        ({"access_token": "a\r\nX-Evil: 1"}, ""),
        ({"access_token": "a b"}, ""),
        ({"accessToken": "hidden"}, ""),
        ({"error": "invalid_client", "error_description": "who?"}, ": invalid_client: who?"),
    ],
    ids=repr,
)
async def test_a_success_without_a_token_is_a_refusal(
    bench: Bench, body: object, said: str
) -> None:
    bench.server.otherwise = says(200, body)

    fetched = await bench.process().fetch(bench.integration())

    reason = f"{WORDS}: HTTP 200: an answer without a usable access_token{said}"
    assert fetched.grant == IntegrationRefused(reason)
    assert "hidden" not in repr(fetched)


@pytest.mark.parametrize("size", [10_000, 60_000])
async def test_a_large_token_is_a_token(bench: Bench, size: int) -> None:
    bench.server.otherwise = says(200, {"access_token": "x" * size})

    assert await bench.process().token(bench.integration()) == "x" * size


async def test_a_token_with_a_byte_order_mark_is_read(bench: Bench) -> None:
    bench.server.otherwise = says(200, '\ufeff{"access_token": "t0ken"}')

    assert await bench.process().token(bench.integration()) == "t0ken"


async def test_a_connection_that_is_cut_is_tried_once_more(bench: Bench) -> None:
    bench.server.script = [resets]

    assert await bench.process().token(bench.integration()) == "t0ken"


async def test_a_connection_that_is_cut_twice_is_unavailable(bench: Bench) -> None:
    bench.server.otherwise = closes

    outcome = await bench.process().token(bench.integration())

    assert isinstance(outcome, Unavailable)
    assert outcome.reason.startswith("Authentication URL: connection reset: ")
    assert len(bench.server.requests) == 2


async def test_an_answer_that_breaks_off_is_not_a_refusal(bench: Bench) -> None:
    cut = b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"access_token": "t0k'
    bench.server.otherwise = sends(cut)

    assert isinstance(await bench.process().token(bench.integration()), Unavailable)


async def test_silence_is_unavailable_and_not_tried_twice(bench: Bench) -> None:
    bench.server.otherwise = silent

    outcome = await bench.process(within=SHORT).token(bench.integration())

    assert isinstance(outcome, Unavailable)
    assert "did not answer within 0.2 seconds" in outcome.reason
    assert len(bench.server.requests) == 1


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/token", "https://a\r\nb/", "https://[::1", "ftp://a/"]
)
async def test_a_token_address_that_may_not_be_used_stops_the_integration(
    bench: Bench, url: str
) -> None:
    outcome = await bench.process().token(bench.integration(authentication_url=url))

    assert isinstance(outcome, IntegrationRefused)
    assert outcome.reason.startswith("Authentication URL: ")


# What must never be lost, and never be seen.


async def test_a_rotated_refresh_token_survives_that_sql_is_away(bench: Bench) -> None:
    authority = TokenServer(Client("hub:client", SECRET))
    authority.refresh_tokens["first"] = "hub:client"
    bench.server.otherwise = authority.behave
    integration = bench.integration(refresh_token="first")
    bench.registry.away = True

    for _ in range(2):
        with pytest.raises(RegistryAway):
            await bench.process().token(integration)
    bench.registry.away = False
    token = await bench.process().token(integration)

    assert token == "access-2"
    assert bench.registry.integrations[integration.id].credentials.refresh_token == "refresh-2"
    assert await bench.redis.keys("*rotated*") == []


async def test_a_refresh_token_that_was_replaced_by_hand_is_not_overwritten(bench: Bench) -> None:
    bench.server.otherwise = granted(refresh_token="rotated")
    integration = bench.integration(refresh_token="first")
    bench.registry.away = True
    with pytest.raises(RegistryAway):
        await bench.process().token(integration)
    bench.registry.away = False
    updated = replace(bench.integration(refresh_token="by hand"), version=2)
    bench.registry.put(updated)

    await bench.process().token(updated)

    assert bench.form()["refresh_token"] == ["by hand"]


async def test_a_refresh_token_nobody_asked_for_is_not_kept(bench: Bench) -> None:
    bench.server.otherwise = granted(refresh_token="unasked")
    integration = bench.integration()

    await bench.process().token(integration)

    assert bench.registry.integrations[integration.id] == integration


async def test_a_refresh_token_that_did_not_change_is_not_written(bench: Bench) -> None:
    bench.server.otherwise = granted(refresh_token="first")
    integration = bench.integration(refresh_token="first")

    assert await bench.process().token(integration) == "t0ken"

    assert bench.registry.integrations[integration.id].revision == integration.revision


@pytest.mark.parametrize("status", [200, 401, 503])
async def test_a_secret_that_the_server_echoes_is_never_seen(
    bench: Bench, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    proof = base64.b64encode(f"hub%3Aclient:{quote(SECRET, safe='')}".encode()).decode()
    forms = [SECRET, quote(SECRET, safe=""), quote_plus(SECRET), proof, "r3fresh-token"]
    body = {"error": "no", "error_description": " ".join(forms)}
    bench.server.otherwise = says(status, body, {"X-Echo": quote_plus(SECRET)})
    integration = bench.integration(refresh_token="r3fresh-token")

    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logs:
        fetched = await bench.process().fetch(integration)
        outcome = await bench.process().token(integration)

    seen = repr((fetched, outcome, logs, integration)) + caplog.text
    assert "***" in seen
    for form in (*forms, "s3cr", "r3fresh"):
        assert form not in seen


async def test_a_token_is_never_seen(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.server.otherwise = granted(refresh_token="r3fresh")

    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logs:
        tokens = bench.process()
        await tokens.token(bench.integration())
        fetched = await tokens.fetch(bench.integration())

    held = Held("t0ken", 1, bench.clock(), bench.clock())
    seen = repr((tokens, fetched, held, logs)) + caplog.text
    assert "t0ken" not in seen
    assert "r3fresh" not in seen
    assert isinstance(fetched.reply, Answer)


async def test_a_fetch_for_a_rehearsal_leaves_what_is_shared_alone(bench: Bench) -> None:
    bench.server.script = [granted(), says(200, {"access_token": "second"})]
    tokens, integration = bench.process(), bench.integration()
    await tokens.token(integration)

    fetched = await tokens.fetch(integration)

    assert isinstance(fetched.grant, Grant)
    assert fetched.grant.access_token == "second"
    assert await tokens.token(integration) == "t0ken"
    assert await bench.process().token(integration) == "t0ken"
