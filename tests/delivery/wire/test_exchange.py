"""One request and its reply: every way it can end is a value with a sentence."""

import asyncio
import gzip
import socket
import ssl
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import aiohttp
import httpx
import pytest
import pytest_asyncio

from delivery.facts.outcome import Answer, Failure, NoAnswer, Reply
from delivery.wire.egress import Egress
from delivery.wire.exchange import KEPT, READ, ask, masked, no_answer, read_retry_after
from tests.fakes.certificate import certificate
from tests.fakes.http_server import (
    Behaviour,
    HttpServer,
    closes,
    http_server,
    resets,
    says,
    sends,
    silent,
    trickles,
)
from tests.waiting import until

LOOPBACK = [ip_network("127.0.0.0/8")]
WITHIN = timedelta(seconds=5)
SHORT = timedelta(milliseconds=300)
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as server:
        yield server


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with Egress(LOOPBACK).open_client(timeout=WITHIN) as client:
        yield client


async def asked(
    client: httpx.AsyncClient,
    server: HttpServer,
    behaviour: Behaviour,
    *,
    within: timedelta = WITHIN,
    whole: bool = False,
) -> Reply:
    server.script = [behaviour]
    request = httpx.Request("POST", server.url(), content=b"{}")
    return await ask(client, request, within=within, clock=lambda: NOW, whole=whole)


async def test_an_answer_is_read(client: httpx.AsyncClient, server: HttpServer) -> None:
    reply = await asked(client, server, says(503, "Wartung bis 12 Uhr, ä", {"X-A": "b"}))

    assert isinstance(reply, Answer)
    assert (reply.status, reply.body) == (503, "Wartung bis 12 Uhr, ä")
    assert ("x-a", "b") in {(name.lower(), value) for name, value in reply.headers}
    assert timedelta() < reply.took < WITHIN


async def test_bytes_that_are_no_text_are_read_leniently(
    client: httpx.AsyncClient, server: HttpServer
) -> None:
    reply = await asked(client, server, says(400, b"\xff\xfe kaputt"))

    assert isinstance(reply, Answer)
    assert reply.body.endswith(" kaputt")


async def test_latin_1_is_read_as_such(client: httpx.AsyncClient, server: HttpServer) -> None:
    headers = {"Content-Type": "text/plain; charset=ISO-8859-1"}

    reply = await asked(client, server, says(400, "Müll".encode("latin-1"), headers))

    assert isinstance(reply, Answer)
    assert reply.body == "Müll"


@pytest.mark.parametrize("size", [KEPT + 1, READ, READ * 4])
async def test_a_large_answer_is_cut(
    client: httpx.AsyncClient, server: HttpServer, size: int
) -> None:
    kept = await asked(client, server, says(200, b"x" * size))
    whole = await asked(client, server, says(200, b"x" * size), whole=True)

    assert isinstance(kept, Answer)
    assert isinstance(whole, Answer)
    assert (len(kept.body), len(whole.body)) == (KEPT, min(size, READ))


async def test_an_answer_without_end_is_cut_at_once(
    client: httpx.AsyncClient, server: HttpServer
) -> None:
    reply = await asked(client, server, trickles(b"x" * 1000))

    assert isinstance(reply, Answer)
    assert (reply.status, len(reply.body)) == (200, KEPT)
    assert reply.took < timedelta(seconds=2)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"a": 1}', mtime=0)),
        ("deflate", zlib.compress(b'{"a": 1}')),
        ("gzip", b'{"a": 1}'),
        ("identity", b'{"a": 1}'),
    ],
)
async def test_a_compressed_answer_is_unpacked(
    client: httpx.AsyncClient, server: HttpServer, encoding: str, packed: bytes
) -> None:
    reply = await asked(client, server, says(200, packed, {"Content-Encoding": encoding}))

    assert isinstance(reply, Answer)
    assert reply.body == '{"a": 1}'


async def test_a_bomb_is_not_unpacked(client: httpx.AsyncClient, server: HttpServer) -> None:
    bomb = gzip.compress(b"x" * 50_000_000)

    tracemalloc.start()
    reply = await asked(client, server, says(200, bomb, {"Content-Encoding": "gzip"}))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(reply, Answer)
    assert len(reply.body) == KEPT
    assert most < 5_000_000


async def test_secret_headers_are_masked(client: httpx.AsyncClient, server: HttpServer) -> None:
    headers = {"Set-Cookie": "session=1", "X-Api-Key": "k", "WWW-Authenticate": "Bearer"}

    reply = await asked(client, server, says(401, b"", headers))

    assert isinstance(reply, Answer)
    shown = {name.lower(): value for name, value in reply.headers}
    assert (shown["set-cookie"], shown["x-api-key"]) == ("***", "***")
    assert shown["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("behaviour", "failure", "words"),
    [
        (closes, Failure.CONNECTION_RESET, "closed the connection"),
        (resets, Failure.CONNECTION_RESET, "closed the connection"),
        (silent, Failure.TIMEOUT, "did not answer within 0.3 seconds"),
        (sends(b"HTTP/1.1 200 OK\r\nX: ", then_close=False), Failure.TIMEOUT, "did not answer"),
        (sends(b"SSH-2.0-OpenSSH_9\r\n\r\n"), Failure.PROTOCOL, "in HTTP"),
        (sends(b"HTTP/1.1 banana\r\n\r\n"), Failure.PROTOCOL, "in HTTP"),
        (sends(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 99_999 + b"\r\n\r\n"), Failure.PROTOCOL, "HTTP"),
        (sends(b"HTTP/1.1 200 OK\r\n"), Failure.CONNECTION_RESET, "closed the connection"),
    ],
    ids=["closes", "resets", "silent", "half", "ssh", "banana", "long", "head"],
)
async def test_no_answer_says_why(
    client: httpx.AsyncClient,
    server: HttpServer,
    behaviour: Behaviour,
    failure: Failure,
    words: str,
) -> None:
    reply = await asked(client, server, behaviour, within=SHORT)

    assert isinstance(reply, NoAnswer)
    assert reply.failure is failure
    assert words in reply.detail
    assert "127.0.0.1" in reply.detail


BROKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"


@pytest.mark.parametrize(
    "behaviour",
    [sends(BROKEN), sends(BROKEN, then_close=False)],
    ids=["closed", "stalled"],
)
async def test_the_status_stands_though_the_body_breaks_off(
    client: httpx.AsyncClient, server: HttpServer, behaviour: Behaviour
) -> None:
    reply = await asked(client, server, behaviour, within=SHORT)
    whole = await asked(client, server, behaviour, within=SHORT, whole=True)

    assert isinstance(reply, Answer)
    assert (reply.status, reply.body) == (200, "half")
    assert isinstance(whole, NoAnswer)


async def test_a_closed_port_refuses(client: httpx.AsyncClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        request = httpx.Request("GET", f"http://127.0.0.1:{port}/")
        reply = await ask(client, request, within=WITHIN)

    assert reply.__class__ is NoAnswer
    assert reply.failure is Failure.CONNECTION_REFUSED
    assert reply.detail == "127.0.0.1 refuses connections"


async def test_a_server_that_does_not_take_the_connection_is_a_timeout() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with Egress(LOOPBACK, resolve=never).open_client(timeout=WITHIN) as client:
        request = httpx.Request("GET", "https://lrs.example/")
        reply = await ask(client, request, within=SHORT)

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.TIMEOUT


async def test_a_certificate_that_is_not_trusted_is_told(client: httpx.AsyncClient) -> None:
    async with http_server(tls=certificate().server) as server:
        reply = await ask(client, httpx.Request("GET", server.url()), within=WITHIN)

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.TLS
    assert "self-signed certificate" in reply.detail


async def test_a_server_that_speaks_no_tls_is_told(client: httpx.AsyncClient) -> None:
    async def speaks_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speaks_plainly, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        request = httpx.Request("GET", f"https://127.0.0.1:{port}/")
        reply = await ask(client, request, within=WITHIN)

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.TLS


async def test_an_unknown_name_is_told() -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with Egress(resolve=nobody).open_client(timeout=WITHIN) as client:
        reply = await ask(client, httpx.Request("GET", "https://no.example/"), within=WITHIN)

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.NAME_NOT_FOUND
    assert reply.detail == "the name no.example cannot be resolved: Name or service not known"


async def test_a_header_that_cannot_be_sent_is_no_answer(client: httpx.AsyncClient) -> None:
    request = httpx.Request("GET", "http://127.0.0.1:9/", headers={"X-A": "a\r\nb: c"})

    reply = await ask(client, request, within=WITHIN)

    assert isinstance(reply, NoAnswer)


async def test_being_cancelled_is_not_an_answer(
    client: httpx.AsyncClient, server: HttpServer
) -> None:
    task = asyncio.create_task(asked(client, server, silent))
    await until(lambda: bool(server.requests))

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


def kinds(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for further in kind.__subclasses__():
        yield from kinds(further)


EXPECTED: dict[type[Exception], Failure] = {
    httpx.TransportError: Failure.PROTOCOL,
    httpx.TimeoutException: Failure.TIMEOUT,
    httpx.ConnectTimeout: Failure.TIMEOUT,
    httpx.ReadTimeout: Failure.TIMEOUT,
    httpx.WriteTimeout: Failure.TIMEOUT,
    httpx.PoolTimeout: Failure.TIMEOUT,
    httpx.NetworkError: Failure.CONNECTION_RESET,
    httpx.ConnectError: Failure.CONNECTION_REFUSED,
    httpx.ReadError: Failure.CONNECTION_RESET,
    httpx.WriteError: Failure.CONNECTION_RESET,
    httpx.CloseError: Failure.CONNECTION_RESET,
    httpx.ProxyError: Failure.PROTOCOL,
    httpx.UnsupportedProtocol: Failure.ADDRESS_REFUSED,
    httpx.ProtocolError: Failure.PROTOCOL,
    httpx.LocalProtocolError: Failure.PROTOCOL,
    httpx.RemoteProtocolError: Failure.PROTOCOL,
}


@pytest.mark.parametrize("kind", list(kinds(httpx.TransportError)), ids=lambda kind: kind.__name__)
async def test_every_transport_error_is_translated(kind: type[Exception]) -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise kind("why")

    async with httpx.AsyncClient(transport=httpx.MockTransport(fails)) as client:
        reply = await ask(client, httpx.Request("GET", "https://lrs.example/"), within=WITHIN)

    assert isinstance(reply, NoAnswer)
    assert reply.failure is EXPECTED[kind]
    assert reply.detail


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (aiohttp.ServerDisconnectedError(), Failure.CONNECTION_RESET),
        (aiohttp.ClientPayloadError("cut"), Failure.CONNECTION_RESET),
        (aiohttp.ServerTimeoutError(), Failure.TIMEOUT),
        (aiohttp.ClientError("odd"), Failure.PROTOCOL),
        (BrokenPipeError(), Failure.CONNECTION_RESET),
        (OSError(113, "No route to host"), Failure.CONNECTION_REFUSED),
        (TimeoutError(), Failure.TIMEOUT),
        (ssl.SSLError(1, "handshake failure"), Failure.TLS),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_other_errors_are_translated(error: Exception, failure: Failure) -> None:
    assert no_answer(error, host="lrs.example", took=timedelta()).failure is failure


def test_an_error_cannot_write_into_the_log() -> None:
    reply = no_answer(OSError("a\r\nb\x1b[31m"), host="lrs.example", took=timedelta())

    assert reply.detail == "lrs.example cannot be reached: a b [31m"


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("120", None, timedelta(seconds=120)),
        (" 7 ", None, timedelta(seconds=7)),
        ("0", None, timedelta()),
        ("99999999999999999999", None, timedelta(days=1)),
        ("-5", None, None),
        ("1.5", None, None),
        ("soon", None, None),
        ("²", None, None),
        ("", None, None),
        ("Sun, 22 Nov 2026 10:02:00 GMT", None, timedelta(minutes=2)),
        ("Sun, 22 Nov 2026 09:00:00 GMT", None, timedelta()),
        ("Sun, 22 Nov 2026 10:02:00 -0000", None, timedelta(minutes=2)),
        (
            "Sun, 22 Nov 2026 11:02:00 GMT",
            "Sun, 22 Nov 2026 11:00:00 GMT",
            timedelta(minutes=2),
        ),
        ("Fri, 22 Nov 2999 10:00:00 GMT", None, timedelta(days=1)),
        ("Sun, 99 Nov 2026 10:02:00 GMT", None, None),
    ],
)
def test_retry_after_is_read(value: str, date: str | None, expected: timedelta | None) -> None:
    assert read_retry_after(value, date, lambda: NOW) == expected


def test_a_date_to_come_back_at_means_nothing_without_any_clock() -> None:
    assert read_retry_after("Sun, 22 Nov 2026 10:02:00 GMT", None, None) is None


async def test_an_answer_carries_when_to_come_back(
    client: httpx.AsyncClient, server: HttpServer
) -> None:
    reply = await asked(client, server, says(429, b"", {"Retry-After": "90"}))

    assert isinstance(reply, Answer)
    assert reply.retry_after == timedelta(seconds=90)


def test_secrets_are_masked_wherever_they_are_echoed() -> None:
    answer = Answer(401, "no s3cret-long, no s3cret", timedelta(), None, (("X-A", "s3cret"),))
    silence = NoAnswer(Failure.PROTOCOL, "s3cret?", timedelta())

    shown = masked(answer, ["s3cret", "s3cret-long", ""])

    assert isinstance(shown, Answer)
    assert (shown.body, shown.headers) == ("no ***, no ***", (("X-A", "***"),))
    assert "s3cret" not in repr(masked(silence, ["s3cret"]))
    assert masked(answer, ["other"]) is answer


def test_a_short_secret_is_masked_where_it_stands_by_itself() -> None:
    answer = Answer(401, '{"detail": "the token t of thirty", "token":"t"}', timedelta(), None, ())

    shown = masked(answer, ["t"])

    assert isinstance(shown, Answer)
    assert shown.body == '{"detail": "the token *** of thirty", "token":"***"}'


def test_a_long_secret_is_masked_also_within_a_word() -> None:
    answer = Answer(401, "xs3cret-8y", timedelta(), None, ())

    shown = masked(answer, ["s3cret-8"])

    assert isinstance(shown, Answer)
    assert shown.body == "x***y"
