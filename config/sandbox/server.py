"""Runs the sandbox on real sockets: uvicorn for HTTP, aiosmtpd for mail, on one loop."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from config.sandbox.app import build
from config.sandbox.errors import CannotListen
from config.sandbox.imports import API_KEY
from config.sandbox.line import LINE, Wire
from config.sandbox.moments import Clock
from config.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from config.sandbox.state import Sandbox

BACKLOG = 2048
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running sandbox can be reached."""

    host: str
    port: int
    smtp_port: int | None

    @property
    def url(self) -> str:
        return f"http://{_in_url(self.host)}:{self.port}"

    @property
    def statement_url(self) -> str:
        return f"{self.url}/xapi/statements"

    @property
    def authentication_url(self) -> str:
        return f"{self.url}/oauth/token"

    @property
    def smtp_host(self) -> str:
        return self.host

    def written(self) -> str:
        """Write all addresses down, one a line, for the one who started the sandbox."""
        lines = [
            f"sandbox             {self.url}/",
            f"statement URL       {self.statement_url}",
            f"authentication URL  {self.authentication_url}",
            f"client              {CLIENT_ID} / {CLIENT_SECRET}",
            f"LearningBuilder     {self.url} / {API_KEY}",
        ]
        if self.smtp_port is not None:
            lines.append(f"mail                smtp://{_in_url(self.host)}:{self.smtp_port}")
        return "\n".join(lines) + "\n"


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which also hands the line over, so that it can be cut."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wire = Wire(self.transport)
        self.scope["extensions"] = {LINE: {"line": self._wire}}

    def shutdown(self) -> None:
        wire = getattr(self, "_wire", None)
        if wire is not None and wire.left_hanging:
            self.transport.abort()
            return
        super().shutdown()


class Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to its owner and says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def listening(
    sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0, smtp_port: int | None = 0
) -> AsyncIterator[Addresses]:
    """Serve the sandbox on the running loop for as long as the block lasts.

    Port 0 takes a free one; without `smtp_port` there is no mail server. Raises CannotListen.
    """
    async with _mail(sandbox, host, smtp_port) as mail_port:
        listener = _listener(host, port)
        at = Addresses(host, _port_of(listener), mail_port)
        async with _http(sandbox, listener, at):
            yield at


async def serve(host: str, port: int, smtp_port: int | None, *, clock: Clock) -> None:
    """Serve a sandbox until SIGTERM or SIGINT; only its addresses go to standard output."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    try:
        async with listening(Sandbox(clock), host=host, port=port, smtp_port=smtp_port) as at:
            sys.stdout.write(at.written())
            sys.stdout.flush()
            await stop.wait()
    finally:
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(sign)


@asynccontextmanager
async def _http(sandbox: Sandbox, listener: socket.socket, at: Addresses) -> AsyncIterator[None]:
    app = build(sandbox)
    app.state.addresses = at
    server = Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
    )
    running = asyncio.create_task(server.serve([listener]))
    # A server that fails to start must not be waited for without end.
    running.add_done_callback(lambda _: server.ready.set())
    try:
        await server.ready.wait()
        yield
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def _mail(sandbox: Sandbox, host: str, port: int | None) -> AsyncIterator[int | None]:
    if port is None:
        yield None
        return
    listener = _listener(host, port)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(sandbox.mailbox.protocol, sock=listener)
    try:
        yield _port_of(listener)
    finally:
        server.close()
        await server.wait_closed()


def _listener(host: str, port: int) -> socket.socket:
    if not 0 <= port <= HIGHEST_PORT:
        raise CannotListen(f"there is no port {port}")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        # What it accepts inherits this; else small answers wait 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as flaw:
        raise CannotListen(f"cannot listen on {host} port {port}: {flaw}") from flaw
    return listener


def _port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
