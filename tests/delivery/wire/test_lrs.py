"""What reaches an LRS, to the byte, and what never leaves as an exception."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from ipaddress import ip_network

import pytest
import pytest_asyncio

from delivery.facts.outcome import Answer, Failure, IntegrationRefused, NoAnswer, judge
from delivery.wire.egress import Egress
from delivery.wire.lrs import Lrs
from tests.fakes.http_server import HttpServer, http_server, says
from tests.fakes.registry import an_integration

WITHIN = timedelta(seconds=5)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as server:
        yield server


@pytest_asyncio.fixture
async def lrs() -> AsyncIterator[Lrs]:
    egress = Egress([ip_network("127.0.0.0/8")])
    async with egress.open_client(timeout=WITHIN) as client:
        yield Lrs(client, WITHIN)


async def test_one_statement_is_posted_byte_for_byte(lrs: Lrs, server: HttpServer) -> None:
    integration = an_integration(statement_url=server.url("/xapi/a%2Fb?tenant=a%20b%2B"))
    body = b'{"id": "1",  "n": 123456789012345678901234567890, "u": "\xc3\xa4"}'

    reply = await lrs.send(integration, [body], "t0ken")

    assert isinstance(reply, Answer)
    (received,) = server.requests
    assert (received.method, received.target) == ("POST", "/xapi/a%2Fb?tenant=a%20b%2B")
    assert received.body == body


async def test_several_statements_are_posted_as_an_array(lrs: Lrs, server: HttpServer) -> None:
    integration = an_integration(statement_url=server.url())

    await lrs.send(integration, [b'{"a":1}', b'{ "b" : 2 }'], "t0ken")

    assert server.requests[0].body == b'[{"a":1},{ "b" : 2 }]'


async def test_the_headers_are_those_of_the_contract(lrs: Lrs, server: HttpServer) -> None:
    integration = an_integration(statement_url=server.url(), xapi_version="2.0.0")

    await lrs.send(integration, [b"{}"], "t0ken")

    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["x-experience-api-version"] == "2.0.0"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == f"learning-hub/{version('learning-hub')}"
    assert headers["content-length"] == "2"
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize(
    "token", ["a\r\nX-Evil: 1", "a\x00", "", "a b", "tökén", "\ud800", "a\n"], ids=ascii
)
async def test_a_token_that_no_header_can_carry_is_not_sent(
    lrs: Lrs, server: HttpServer, token: str
) -> None:
    reply = await lrs.send(an_integration(statement_url=server.url()), [b"{}"], token)

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.PROTOCOL
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://lrs.example/\r\nX-Evil: 1",
        "https://lrs.example/\x00",
        "https://[::1",
        "https://" + "a" * 70 + ".example/",
        "https://a..b/",
        "https://\ud800/",
        "http://127.0.0.1:99999/",
        "not a url",
        "",
        "https://10.0.0.1/",
        "https://" + "x" * 70_000,
    ],
    ids=["crlf", "nul", "ipv6", "label", "dots", "surrogate", "port", "no", "", "private", "long"],
)
async def test_an_address_that_cannot_be_used_never_raises(lrs: Lrs, url: str) -> None:
    reply = await lrs.send(an_integration(statement_url=url), [b"{}"], "t0ken")

    assert isinstance(reply, NoAnswer)
    assert reply.failure in {Failure.ADDRESS_REFUSED, Failure.NAME_NOT_FOUND}


async def test_an_address_that_is_refused_stops_the_integration(lrs: Lrs) -> None:
    reply = await lrs.send(an_integration(statement_url="https://10.0.0.1/"), [b"{}"], "t0ken")

    assert isinstance(judge(reply, count=1, tried=False), IntegrationRefused)


async def test_a_version_that_no_header_can_carry_never_raises(
    lrs: Lrs, server: HttpServer
) -> None:
    integration = an_integration(statement_url=server.url())

    for xapi_version in ("1.0\r\nX: 1", "1.0.\ud800"):
        reply = await lrs.send(replace(integration, xapi_version=xapi_version), [b"{}"], "t0ken")

        assert isinstance(reply, NoAnswer)


async def test_a_token_that_a_server_echoes_is_masked(lrs: Lrs, server: HttpServer) -> None:
    server.otherwise = says(403, "Bearer t0ken-of-ours may not", {"X-Echo": "t0ken-of-ours"})

    reply = await lrs.send(an_integration(statement_url=server.url()), [b"{}"], "t0ken-of-ours")

    assert isinstance(reply, Answer)
    assert reply.body == "Bearer *** may not"
    assert "t0ken-of-ours" not in repr(reply)
