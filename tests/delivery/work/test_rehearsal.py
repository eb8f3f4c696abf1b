"""Trying an integration on purpose: how far it comes, and why no further."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import fakeredis
import pytest
import pytest_asyncio

from delivery.facts.integration import Integration
from delivery.tokens.oauth import Tokens
from delivery.wire.egress import Egress
from delivery.wire.lrs import Lrs
from delivery.work.rehearsal import Rehearsal, Rehearsed
from tests.fakes.certificate import certificate
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import HttpServer, http_server, says, silent
from tests.fakes.registry import FakeRegistry, an_integration
from tests.fakes.sealer import PlainSealer

WITHIN = timedelta(milliseconds=500)
BODY = b'{"id": "1"}'
ADDRESSES = {"lrs.example": ["127.0.0.1"], "inside.example": ["10.0.0.1"]}


async def resolve(host: str, _: int) -> Sequence[str]:
    if host in ADDRESSES or host == "127.0.0.1":
        return ADDRESSES.get(host, [host])
    raise OSError(f"{host} is unknown")


class Bench:
    """A rehearsal between two servers."""

    def __init__(self, lrs: HttpServer, authority: HttpServer) -> None:
        self.lrs = lrs
        self.authority = authority
        self.redis = fakeredis.FakeAsyncRedis()
        self.registry = FakeRegistry()
        self.tokens: Tokens
        self.rehearsal: Rehearsal

    def integration(self, statement_url: str | None = None, **credentials: object) -> Integration:
        made = an_integration(statement_url=statement_url or self.lrs.url("/xapi/statements"))
        fields = {"authentication_url": self.authority.url("/token"), "client_secret": "s3cr3t-x"}
        changed = replace(made.credentials, **(fields | credentials))  # type: ignore[arg-type]  # fields by name
        integration = replace(made, credentials=changed)
        self.registry.put(integration)
        return integration

    async def run(self, integration: Integration | None = None) -> Rehearsed:
        return await self.rehearsal.run(integration or self.integration(), BODY)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        granted = says(200, {"access_token": "t0ken-of-ours", "expires_in": 60})
        authority = await stack.enter_async_context(http_server(granted))
        tls = certificate()
        lrs = await stack.enter_async_context(http_server(says(200, ["1"]), tls=tls.server))
        egress = Egress([ip_network("127.0.0.0/8")], resolve=resolve, tls=tls.client)
        client = await stack.enter_async_context(egress.open_client(timeout=WITHIN))
        bench = Bench(lrs, authority)
        stack.push_async_callback(bench.redis.aclose)
        bench.tokens = Tokens(
            bench.redis, client, PlainSealer(), bench.registry, FakeClock(), WITHIN
        )
        bench.rehearsal = Rehearsal(egress, bench.tokens, Lrs(client, WITHIN), within=WITHIN)
        yield bench


def stages(rehearsed: Rehearsed) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in rehearsed.steps]


async def test_a_good_integration_passes_every_stage(bench: Bench) -> None:
    rehearsed = await bench.run(bench.integration(bench.lrs.url("/x", host="lrs.example")))

    resolved, connected, token, statement = rehearsed.steps
    assert stages(rehearsed) == [
        ("resolve", True),
        ("connect", True),
        ("token", True),
        ("statement", True),
    ]
    assert resolved.detail == "lrs.example is 127.0.0.1; 127.0.0.1 is 127.0.0.1"
    assert connected.detail.startswith(f"127.0.0.1 port {bench.lrs.port}, TLSv1")
    assert (token.status, token.detail) == (200, "a token that is good for 60 seconds")
    assert (statement.status, statement.detail) == (200, 'HTTP 200: ["1"]')
    assert all(0 <= step.milliseconds < 500 for step in rehearsed.steps)
    assert rehearsed.response
    assert rehearsed.response.body == '["1"]'


async def test_just_the_statement_is_sent_once_and_with_the_token(bench: Bench) -> None:
    await bench.run()

    (received,) = bench.lrs.requests
    assert received.body == BODY
    assert received.headers["authorization"] == "Bearer t0ken-of-ours"


async def test_the_token_is_always_a_new_one_and_never_shared(bench: Bench) -> None:
    integration = bench.integration()
    await bench.tokens.token(integration)

    await bench.run(integration)
    await bench.run(integration)
    await bench.redis.flushall()
    await bench.run(integration)

    assert len(bench.authority.requests) == 4
    assert await bench.redis.keys() == []


@pytest.mark.parametrize("which", ["statement_url", "authentication_url"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://unknown.example/", "unknown.example cannot be reached"),
        ("https://inside.example/", "10.0.0.1 is not a public address"),
        ("https://10.0.0.1/", "10.0.0.1 is not a public address"),
        ("https://a b/", "spaces"),
        ("https://[::1", "is not an IPv6 address"),
        ("", "must begin with https://"),
    ],
)
async def test_an_address_that_cannot_be_used_fails_to_resolve(
    bench: Bench, which: str, url: str, words: str
) -> None:
    integration = bench.integration()
    if which == "statement_url":
        integration = replace(integration, statement_url=url)
    else:
        integration = bench.integration(authentication_url=url)

    rehearsed = await bench.run(integration)

    assert stages(rehearsed) == [("resolve", False)]
    assert words in rehearsed.steps[0].detail
    assert rehearsed.response is None
    assert bench.authority.requests == []


async def test_a_closed_port_fails_to_connect(bench: Bench) -> None:
    async with http_server() as gone:
        url = gone.url()

    rehearsed = await bench.run(bench.integration(url))

    assert stages(rehearsed) == [("resolve", True), ("connect", False)]
    assert rehearsed.steps[1].detail == "connection refused: 127.0.0.1 refuses connections"


async def test_a_certificate_for_another_name_fails_to_connect(bench: Bench) -> None:
    ADDRESSES["other.example"] = ["127.0.0.1"]

    rehearsed = await bench.run(bench.integration(bench.lrs.url(host="other.example")))

    assert stages(rehearsed) == [("resolve", True), ("connect", False)]
    assert "TLS failed: the certificate of other.example" in rehearsed.steps[1].detail


async def test_wrong_credentials_fail_at_the_token(bench: Bench) -> None:
    bench.authority.otherwise = says(401, '{"error": "invalid_client"} s3cr3t-x')

    rehearsed = await bench.run()

    assert stages(rehearsed) == [("resolve", True), ("connect", True), ("token", False)]
    assert rehearsed.steps[2].status == 401
    assert rehearsed.steps[2].detail.startswith("Invalid Credentials")
    assert rehearsed.response
    assert rehearsed.response.body == '{"error": "invalid_client"} ***'
    assert bench.lrs.requests == []


async def test_a_silent_token_server_fails_at_the_token(bench: Bench) -> None:
    bench.authority.otherwise = silent

    rehearsed = await bench.run()

    assert stages(rehearsed)[-1] == ("token", False)
    assert rehearsed.steps[-1].status is None
    assert "did not answer within 0.5 seconds" in rehearsed.steps[-1].detail
    assert rehearsed.response is None


@pytest.mark.parametrize("status", [302, 400, 401, 404, 409, 429, 503])
async def test_a_statement_that_is_not_taken_fails_with_the_answer(
    bench: Bench, status: int
) -> None:
    bench.lrs.otherwise = says(status, "why not", {"X-Trace": "7"})

    rehearsed = await bench.run()

    assert stages(rehearsed)[-1] == ("statement", False)
    assert rehearsed.steps[-1].status == status
    assert rehearsed.steps[-1].detail == f"HTTP {status}: why not"
    assert rehearsed.response
    assert ("X-Trace".lower(), "7") in rehearsed.response.headers
    assert len(bench.lrs.requests) == 1


async def test_a_silent_lrs_fails_at_the_statement(bench: Bench) -> None:
    bench.lrs.otherwise = silent

    rehearsed = await bench.run()

    assert stages(rehearsed)[-1] == ("statement", False)
    assert rehearsed.response is None


async def test_no_secret_is_shown_though_a_server_echoes_it(bench: Bench) -> None:
    echo = "Bearer t0ken-of-ours s3cr3t-x r3fresh"
    bench.lrs.otherwise = says(400, echo, {"X-Echo": echo, "Set-Cookie": "a=b"})

    rehearsed = await bench.run(bench.integration(refresh_token="r3fresh"))

    assert rehearsed.response
    assert rehearsed.response.body == "Bearer *** *** ***"
    for secret in ("t0ken", "s3cr3t", "r3fresh", "a=b"):
        assert secret not in repr(rehearsed)


async def test_a_rotated_refresh_token_is_kept(bench: Bench) -> None:
    granted = {"access_token": "t0ken", "refresh_token": "second"}
    bench.authority.otherwise = says(200, granted)
    integration = bench.integration(refresh_token="first")

    await bench.run(integration)

    kept = bench.registry.integrations[integration.id].credentials.refresh_token
    assert kept == "second"
