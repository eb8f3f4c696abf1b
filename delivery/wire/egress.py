"""The guarded way out: for every address that a customer may choose.

A name is resolved once; if any of its addresses may not be connected to, none is. The sockets are
made here too, so what was checked is what is connected to, literals included, and no second answer
of a name server can change it. `https://` goes to public addresses, and to those that the operator
allows; `http://` only to the latter. No proxies, no redirects, no cookies.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.cookiejar import CookieJar

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from delivery.wire.addresses import Address, AddressRefused, Network, Place, objection, read

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives all IP addresses of a name. Raises OSError (`socket.gaierror`) if there are none."""

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]
]

MOST_CONNECTIONS = 4096
# Shorter than what servers wait (Node and uvicorn: 5 s): a statement that meets a closing
# connection would look like an outage.
IDLE = timedelta(seconds=4)
# Name servers that do not answer hold a thread for many seconds each; they must not hold all.
RESOLVING_THREADS = 64


class AddressBlocked(OSError):
    """A connection was about to go where it may not. An OSError, so that aiohttp hands it up."""


class NameServers:
    """Resolves names as the machine does, on threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _addresses, host, port)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not a name: {error}") from error
        return list(dict.fromkeys(found))


class Egress:
    """Decides where connections may go, and makes the clients whose connections obey."""

    def __init__(
        self,
        allow: Sequence[Network] = (),
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._resolve = resolve or NameServers()
        self._tls = tls or httpx.create_ssl_context(trust_env=False)

    def check_url(self, url: str) -> None:
        """Check what can be seen without asking a name server. Raises AddressRefused."""
        place = read(url)
        if not place.secure and not self._allow:
            raise AddressRefused("the address must begin with https://")
        if place.literal:
            self._admit(place, [place.literal])

    async def check(self, url: str) -> Sequence[Address]:
        """Check a URL and every address it leads to, and return these.

        Raises AddressRefused; OSError when the name has no address, or no name server answers.
        """
        self.check_url(url)
        place = read(url)
        addresses = [ipaddress.ip_address(a) for a in await self._resolve(place.host, place.port)]
        self._admit(place, addresses)
        return addresses

    async def connect(self, url: str) -> str:
        """Open a connection, TLS included, and close it; say what was connected to.

        Raises AddressRefused, or OSError. The caller bounds the time.
        """
        addresses = await self.check(url)
        place = read(url)
        failure: OSError | None = None
        for address in addresses:
            try:
                return await self._connect(place, address)
            except OSError as error:
                failure = error
        raise failure or OSError(f"{place.host} has no address")

    def open_client(self, *, timeout: timedelta) -> httpx.AsyncClient:
        """Open a client whose every connection is guarded; to be closed by the caller."""
        return httpx.AsyncClient(
            # Anything but https, whatever a library may make of it, gets the stricter guard.
            transport=self._transport(secure=False),
            mounts={"https://": self._transport(secure=True)},
            timeout=timeout.total_seconds(),
            cookies=_NoCookies(),
            trust_env=False,
            follow_redirects=False,
        )

    def _admit(self, place: Place, addresses: Sequence[Address]) -> None:
        for address in addresses:
            refused = objection(address, self._allow, secure=place.secure)
            if refused:
                raise AddressRefused(f"{place.host} may not be used: {refused}")

    def _transport(self, *, secure: bool) -> AiohttpTransport:
        # aiohttp wants its connector made on a running loop; the transport calls this on first use.
        return AiohttpTransport(verify=self._tls, client=lambda: self._session(secure=secure))

    def _session(self, *, secure: bool) -> aiohttp.ClientSession:
        guard = _Guard(self._resolve, self._allow, secure=secure)
        connector = aiohttp.TCPConnector(
            resolver=guard,
            socket_factory=guard.open_socket,
            ssl=self._tls,
            limit=MOST_CONNECTIONS,
            keepalive_timeout=IDLE.total_seconds(),
            use_dns_cache=False,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            trust_env=False,
        )

    async def _connect(self, place: Place, address: Address) -> str:
        _, writer = await asyncio.open_connection(
            str(address),
            place.port,
            ssl=self._tls if place.secure else None,
            server_hostname=place.host if place.secure else None,
        )
        encrypted = writer.get_extra_info("ssl_object")
        words = f"{address} port {place.port}"
        if isinstance(encrypted, ssl.SSLObject):
            words += f", {encrypted.version()}"
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return words


class _Guard(AbstractResolver):
    """What a connector asks before it connects: for addresses first, then for each socket."""

    def __init__(self, resolve: Resolve, allow: Sequence[Network], *, secure: bool) -> None:
        self._resolve = resolve
        self._allow = allow
        self._secure = secure

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature
    ) -> list[ResolveResult]:
        addresses = await self._resolve(host, port)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")
        for address in addresses:
            self._admit(host, address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """Make the socket for one address: the last moment to refuse it."""
        family, kind, protocol, _, address = info
        self._admit(str(address[0]), str(address[0]))
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Nothing is held."""

    def _admit(self, host: str, address: str) -> None:
        refused = objection(ipaddress.ip_address(address), self._allow, secure=self._secure)
        if refused:
            raise AddressBlocked(f"{host} may not be used: {refused}")


class _NoCookies(CookieJar):
    """Keeps nothing: what one customer's server sets is no other's business."""

    def extract_cookies(self, response: object, request: object) -> None:
        pass

    def add_cookie_header(self, request: object) -> None:
        pass


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
