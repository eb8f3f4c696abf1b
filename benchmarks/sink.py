"""A sink: the quickest LRS and token endpoint that Python makes, lest it be what is measured.

`python -m benchmarks.sink` listens on a free port of loopback, prints it, and serves until SIGTERM.
It takes its times from the monotonic clock, which all processes of one machine share.

| request         | answer                                                                   |
|-----------------|--------------------------------------------------------------------------|
| `GET /counts`   | requests, statements, when the first and the last request were complete  |
| `GET /arrivals` | statement id -> when it arrived; only while they are being remembered    |
| `POST /reset`   | counts from 0; with `?remember` arrivals are remembered from now on      |
| `POST /token`   | an access token                                                          |
| anything else   | 200 and an id, as an LRS answers; the statements in it are counted       |
"""

import asyncio
import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import monotonic

import httptools
import uvloop

VERB = b'"verb"'
ID = re.compile(rb'"id":"([0-9a-f-]{36})"')


@dataclass(slots=True)
class Counts:
    """What the sink has got; times are seconds of the monotonic clock."""

    requests: int = 0
    statements: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass(slots=True)
class Memory:
    """Everything that the connections share."""

    counts: Counts = field(default_factory=Counts)
    arrivals: dict[str, float] | None = None


def _response(content: object) -> bytes:
    text = json.dumps(content).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


TAKEN = _response(["6690e6c9-3ef0-4ed3-8b37-7f3964730bee"])
TOKEN = _response({"access_token": "sink", "token_type": "Bearer", "expires_in": 36000})
DONE = _response({})


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body: list[bytes] = []
        self._write: Callable[[bytes], None] = _to_nobody

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio.Transport.
        self._write = transport.write  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url
        self._body = []

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        match self._url:
            case b"/counts":
                self._write(_response(asdict(self._memory.counts)))
            case b"/arrivals":
                self._write(_response(self._memory.arrivals))
            case b"/reset" | b"/reset?remember":
                self._memory.counts = Counts()
                self._memory.arrivals = {} if self._url.endswith(b"remember") else None
                self._write(DONE)
            case b"/token":
                self._write(TOKEN)
            case _:
                self._take(b"".join(self._body))
                self._write(TAKEN)

    def _take(self, body: bytes) -> None:
        now = monotonic()
        counts = self._memory.counts
        counts.requests += 1
        counts.statements += body.count(VERB)
        counts.first = counts.first or now
        counts.last = now
        if self._memory.arrivals is not None:
            for found in ID.finditer(body):
                self._memory.arrivals[found[1].decode()] = now


def _to_nobody(answer: bytes) -> None:
    raise ConnectionError(f"no client for {len(answer)} bytes")


async def serve() -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    memory = Memory()
    server = await loop.create_server(lambda: Connection(memory), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()
    sys.stdout.close()


if __name__ == "__main__":
    uvloop.run(serve())
