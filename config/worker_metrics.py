"""A worker's own small door for its numbers: `/metrics`, and `/healthz`.

It runs on a thread of its own, so that it answers when the worker's loop does not: that is when
somebody looks. Then it tells what the process itself knows, and that the loop stands still.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

from config.errors import AddressInUse

PATIENCE_SECONDS = 2.0
PORTS = 100
"""So many worker processes of one host find a port each."""
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

Text = Callable[[], Awaitable[str]]

log = structlog.get_logger()


class Numbers:
    """What a worker tells: the numbers of the hub, as any process gives them, and its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, text: Text) -> None:
        self._loop = loop
        self._text = text
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._stalled = Gauge(
            "hub_process_stalled", "1 while the loop does not answer.", registry=self._registry
        )

    def whole(self) -> bytes:
        """Give all numbers; without the hub's while the loop stands still."""
        shared = self._shared()
        self._stalled.set(int(shared is None))
        return generate_latest(self._registry) + (shared or "").encode()

    def lives(self) -> bool:
        """Say whether the loop answers."""
        return self._ask(_nothing) is not None

    def _shared(self) -> str | None:
        return self._ask(self._text)

    def _ask(self, question: Text) -> str | None:
        async def asked() -> str:
            return await question()

        answer = asyncio.run_coroutine_threadsafe(asked(), self._loop)
        try:
            return answer.result(PATIENCE_SECONDS)
        except (FutureTimeout, CancelledError):
            answer.cancel()
            return None


async def _nothing() -> str:
    return ""


@contextmanager
def serving(host: str, first_port: int, numbers: Numbers) -> Iterator[int]:
    """Serve while the block runs, on the first free port; give which it is.

    Raises AddressInUse.
    """
    server = _open(host, first_port, numbers)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    port = int(server.server_address[1])
    log.info("metrics.served", host=host, port=port)
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _open(host: str, first_port: int, numbers: Numbers) -> ThreadingHTTPServer:
    class Asked(BaseHTTPRequestHandler):
        """One request of a scraper."""

        def do_GET(self) -> None:
            """Answer it."""
            if self.path.partition("?")[0] == "/metrics":
                self._answer(HTTPStatus.OK, PROMETHEUS, numbers.whole())
            elif self.path == "/healthz":
                lives = numbers.lives()
                status = HTTPStatus.OK if lives else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, "text/plain", b"alive" if lives else b"the loop stands still")
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is /metrics and /healthz")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the hook's name
            """Say nothing: scrapes are no news."""

        def _answer(self, status: HTTPStatus, media_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    reason = ""
    for port in range(first_port, min(first_port + PORTS, 65536)):
        try:
            return ThreadingHTTPServer((host, port), Asked)
        except OSError as error:
            reason = str(error)
    raise AddressInUse(f"no port from {first_port} on is free for metrics: {reason}")
