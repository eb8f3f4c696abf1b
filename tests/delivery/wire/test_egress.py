"""The way out: where connections may go, and that none goes elsewhere."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from ipaddress import ip_network

import httpx
import pytest
import pytest_asyncio

from delivery.facts.outcome import Answer, Failure, NoAnswer
from delivery.wire.addresses import AddressRefused
from delivery.wire.egress import Egress
from delivery.wire.exchange import ask
from tests.fakes.certificate import certificate
from tests.fakes.http_server import HttpServer, Received, http_server, says

LOOPBACK = [ip_network("127.0.0.0/8")]
WITHIN = timedelta(seconds=5)

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104 - refused, not bound
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2a00:1450::5efe:7f00:1",
    "2a00:1450::200:5efe:a00:1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001:82a::200e"]
DISGUISED = [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "hub.localhost",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "%31%32%37.0.0.1",
]


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


class Names:
    """A name server that gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest_asyncio.fixture
async def lrs() -> AsyncIterator[HttpServer]:
    async with http_server() as server:
        yield server


async def get(egress: Egress, url: str) -> Answer | NoAnswer:
    async with egress.open_client(timeout=WITHIN) as client:
        return await ask(client, httpx.Request("GET", url), within=WITHIN)


@pytest.mark.parametrize("address", [*PRIVATE, *DISGUISED])
def test_a_private_address_is_refused_when_it_is_saved(address: str) -> None:
    with pytest.raises(AddressRefused):
        Egress().check_url(f"https://{bracketed(address)}/xapi/statements")


@pytest.mark.parametrize("address", [*PUBLIC, "lrs.example.org", "例え.jp", "a.b:8443"])
def test_a_public_address_may_be_saved(address: str) -> None:
    host = bracketed(address) if address.count(":") > 1 else address

    Egress().check_url(f"https://{host}/xapi/statements?a=b")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://lrs.example/", "must begin with https://"),
        ("ftp://lrs.example/", "must begin with https://"),
        ("lrs.example/xapi", "must begin with https://"),
        ("//lrs.example/xapi", "must begin with https://"),
        ("", "must begin with https://"),
        ("javascript:alert(1)", "must begin with https://"),
        ("https://user:pw@lrs.example/", "user name or password"),
        ("https://user@lrs.example/", "user name or password"),
        ("https://", "names no host"),
        ("https:///xapi", "names no host"),
        ("https://:443/", "names no host"),
        ("https://lrs.example:0/", "port"),
        ("https://lrs.example:65536/", "port"),
        ("https://lrs.example:x/", "cannot be read"),
        ("https://lrs.example/#part", "fragment"),
        ("https://lrs.example/\r\nX-Evil: 1", "control characters"),
        ("https://lrs.example/\x00", "control characters"),
        (" https://lrs.example/", "spaces"),
        ("https://lrs.example\\@127.0.0.1/", "backslashes"),
        ("https://[::1/", "IPv6"),
        ("https://[fe80::1%25eth0]/", "without %"),
        ("https://0x7f.1/", "another way to write 127.0.0.1"),
        ("https://lrs.example/" + "a" * 2048, "longer than 2048"),
    ],
)
def test_a_wrong_url_is_refused_with_what_is_wrong(url: str, complaint: str) -> None:
    with pytest.raises(AddressRefused, match=complaint):
        Egress().check_url(url)


def test_http_may_be_saved_only_for_what_the_operator_allows() -> None:
    egress = Egress(LOOPBACK)

    egress.check_url("http://127.0.0.1:8080/xapi")
    egress.check_url("https://127.0.0.1:8080/xapi")
    with pytest.raises(AddressRefused, match=r"only be reached by https://"):
        egress.check_url("http://93.184.216.34/xapi")
    with pytest.raises(AddressRefused, match="not a public address"):
        egress.check_url("https://10.0.0.1/xapi")


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_for_a_private_address_is_refused(address: str) -> None:
    egress = Egress(resolve=Names([address]))

    with pytest.raises(AddressRefused, match=r"lrs\.example may not be used"):
        await egress.check("https://lrs.example/")
    reply = await get(egress, "https://lrs.example/")

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.ADDRESS_REFUSED
    assert "lrs.example may not be used" in reply.detail


@pytest.mark.parametrize("address", [*PRIVATE, "2130706433", "0x7f.1", "127.1", "localhost"])
async def test_a_literal_private_address_is_never_connected_to(address: str) -> None:
    reply = await get(Egress(), f"https://{bracketed(address)}:9/")

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.ADDRESS_REFUSED


async def test_one_private_address_among_public_ones_spoils_the_name() -> None:
    egress = Egress(resolve=Names(["93.184.216.34", "10.0.0.1"]))

    reply = await get(egress, "https://lrs.example/")

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.ADDRESS_REFUSED
    assert "10.0.0.1 is not a public address" in reply.detail


async def test_a_name_that_changes_its_mind_is_refused(lrs: HttpServer) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    egress = Egress(LOOPBACK, resolve=names)

    await egress.check(lrs.url(host="lrs.example"))
    reply = await get(egress, lrs.url(host="lrs.example"))

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.ADDRESS_REFUSED
    assert lrs.requests == []


async def test_a_name_is_asked_for_once_for_each_connection(lrs: HttpServer) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    egress = Egress(LOOPBACK, resolve=names)

    reply = await get(egress, lrs.url(host="lrs.example"))

    assert isinstance(reply, Answer)
    assert names.asked == ["lrs.example"]


async def test_http_goes_only_to_what_the_operator_allows() -> None:
    reply = await get(Egress(LOOPBACK, resolve=Names(["93.184.216.34"])), "http://lrs.example/")

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.ADDRESS_REFUSED
    assert "only be reached by https" in reply.detail


@pytest.mark.parametrize("scheme", ["ws", "wss", "ftp", "unix"])
async def test_no_other_scheme_leads_out(scheme: str, lrs: HttpServer) -> None:
    reply = await get(Egress(), f"{scheme}://127.0.0.1:{lrs.port}/")

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.ADDRESS_REFUSED
    assert lrs.connections == 0


async def test_tls_is_spoken_to_the_name_and_not_to_the_address() -> None:
    tls = certificate()
    async with http_server(tls=tls.server) as lrs:
        egress = Egress(LOOPBACK, resolve=Names(["127.0.0.1"]), tls=tls.client)

        reply = await get(egress, lrs.url(host="lrs.example"))

        assert isinstance(reply, Answer)
        assert lrs.server_names == ["lrs.example"]
        assert lrs.requests[0].headers["host"] == f"lrs.example:{lrs.port}"


async def test_a_certificate_for_another_name_is_not_believed() -> None:
    tls = certificate()
    async with http_server(tls=tls.server) as lrs:
        egress = Egress(LOOPBACK, resolve=Names(["127.0.0.1"]), tls=tls.client)

        reply = await get(egress, lrs.url(host="other.example"))

        assert isinstance(reply, NoAnswer)
        assert reply.failure is Failure.TLS
        assert "certificate of other.example is not valid" in reply.detail
        assert lrs.requests == []


async def test_the_system_resolves_names_and_bad_ones_are_told() -> None:
    egress = Egress([*LOOPBACK, ip_network("::1/128")])

    assert "127.0.0.1" in map(str, await egress.check("http://localhost/"))
    with pytest.raises(socket.gaierror):
        await egress.check(f"https://{'a' * 64}.example/")


async def test_a_name_without_addresses_is_not_found() -> None:
    egress = Egress(resolve=Names([]))

    reply = await get(egress, "https://lrs.example/")
    with pytest.raises(OSError, match="has no address"):
        await egress.connect("https://lrs.example/")

    assert isinstance(reply, NoAnswer)
    assert reply.failure is Failure.NAME_NOT_FOUND


async def test_redirects_are_not_followed_and_cookies_not_kept(lrs: HttpServer) -> None:
    lrs.script = [says(302, b"", {"Location": lrs.url("/other"), "Set-Cookie": "a=b"})]
    egress = Egress(LOOPBACK)

    async with egress.open_client(timeout=WITHIN) as client:
        first = await ask(client, httpx.Request("GET", lrs.url()), within=WITHIN)
        await client.get(lrs.url())

    assert isinstance(first, Answer)
    assert first.status == 302
    assert [r.target for r in lrs.requests] == ["/", "/"]
    assert "cookie" not in lrs.requests[1].headers


async def test_proxies_of_the_environment_are_ignored(
    lrs: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    reply = await get(Egress(LOOPBACK), lrs.url())

    assert isinstance(reply, Answer)


async def test_connections_are_used_again(lrs: HttpServer) -> None:
    async with Egress(LOOPBACK).open_client(timeout=WITHIN) as client:
        for _ in range(5):
            await ask(client, httpx.Request("GET", lrs.url()), within=WITHIN)

    assert lrs.connections == 1


async def test_many_requests_at_once_are_not_held_up_by_a_small_pool() -> None:
    waiting = asyncio.Event()
    arrived = 0

    async def holds(received: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 200:
            waiting.set()
        await waiting.wait()
        await says(200)(received, writer)

    async with http_server(holds) as lrs, Egress(LOOPBACK).open_client(timeout=WITHIN) as client:
        request = lrs.url()
        replies = await asyncio.gather(
            *(ask(client, httpx.Request("GET", request), within=WITHIN) for _ in range(200))
        )

    assert all(isinstance(reply, Answer) for reply in replies)


async def test_connecting_says_what_was_reached(lrs: HttpServer) -> None:
    tls = certificate()
    async with http_server(tls=tls.server) as secure:
        egress = Egress(LOOPBACK, resolve=Names(["127.0.0.1"]), tls=tls.client)

        plain = await egress.connect(lrs.url())
        encrypted = await egress.connect(secure.url(host="lrs.example"))

    assert plain == f"127.0.0.1 port {lrs.port}"
    assert encrypted.startswith(f"127.0.0.1 port {secure.port}, TLSv1")


async def test_connecting_tries_every_address(lrs: HttpServer) -> None:
    egress = Egress(LOOPBACK, resolve=Names(["127.0.0.9", "127.0.0.1"]))

    reached = await egress.connect(lrs.url(host="lrs.example"))

    assert reached.startswith("127.0.0.1 port")
