"""A real HTTP server on loopback that answers as it is told, and remembers what it was asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: httpx.Headers
    body: bytes
    connection: int
    """Which connection of the server it came by, counted from one."""


Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]
"""Answers a request, or does not; the connection goes on unless the writer is closed."""


def says(
    status: int = 200,
    body: bytes | str | object = b"",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Answer so; what is neither text nor bytes is sent as JSON."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        await write(writer, status, body, headers or {})

    return behave


def sends(raw: bytes, *, then_close: bool = True) -> Behaviour:
    """Write just these bytes; then close, or fall silent."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if then_close:
            writer.close()
        else:
            await asyncio.Event().wait()

    return behave


def trickles(raw: bytes) -> Behaviour:
    """Write this again and again, for ever, and quickly."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(raw), raw))
            await writer.drain()

    return behave


async def silent(_: Received, __: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def closes(_: Received, writer: asyncio.StreamWriter) -> None:
    """Close the connection instead of answering."""
    writer.close()


async def resets(_: Received, writer: asyncio.StreamWriter) -> None:
    """Cut the connection hard."""
    writer.transport.abort()


async def write(
    writer: asyncio.StreamWriter, status: int, body: object, headers: Mapping[str, str]
) -> None:
    """Write a whole answer."""
    content = body.encode() if isinstance(body, str) else body
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} {'OK' if status < 400 else 'Sorry'}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if status >= 200 and status != 204:
        lines.append(f"Content-Length: {len(content)}")
    writer.write("\r\n".join((*lines, "", "")).encode() + content)
    await writer.drain()


@dataclass(slots=True)
class HttpServer:
    """The server. `script` is worked off first, then `otherwise` for ever."""

    otherwise: Behaviour = field(default_factory=lambda: says(200))
    script: list[Behaviour] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    server_names: list[str | None] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        """Give an address of the server."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests on one connection until it ends."""
        self.connections += 1
        connection = self.connections
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                request = await _read(reader, connection)
                self.requests.append(request)
                behave = self.script.pop(0) if self.script else self.otherwise
                await behave(request, writer)


async def _read(reader: asyncio.StreamReader, connection: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = [line.split(":", 1) for line in lines]
    headers = httpx.Headers([(name, value.strip()) for name, value in pairs])
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body, connection)


@asynccontextmanager
async def http_server(
    otherwise: Behaviour | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpServer]:
    """Run a server on a free port of loopback."""
    server = HttpServer(scheme="https" if tls else "http")
    if otherwise:
        server.otherwise = otherwise
    serving: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        serving.add(task)
        try:
            with suppress(asyncio.CancelledError):
                await server.serve(reader, writer)
        finally:
            serving.discard(task)
            writer.close()

    if tls:
        tls.sni_callback = lambda _, name, __: server.server_names.append(name)
    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
