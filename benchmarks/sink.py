"""A sink: the quickest LRS and token endpoint that Python makes, so that it is not what is measured.

Run as `python -m benchmarks.sink PORT`; counts what it gets, answers `GET /counts`.
"""

import asyncio
import json
import sys
from collections.abc import Callable

import httptools
import uvloop

ACCEPTED = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]'


def _answer(body: dict[str, object]) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    return head.encode() + text


class Counts:
    """What the sink has got."""

    def __init__(self) -> None:
        self.statements = 0
        self.requests = 0


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body: list[bytes] = []
        self._write: Callable[[bytes], None] = self._not_connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio.Transport.
        self._write = transport.write  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def _not_connected(self, answer: bytes) -> None:
        raise ConnectionError(f"no client for {len(answer)} bytes")

    def on_url(self, url: bytes) -> None:
        self._url = url
        self._body = []

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._url == b"/counts":
            self._write(_answer(vars(self._counts)))
        elif self._url == b"/token":
            self._write(_answer({"access_token": "t", "expires_in": 3600}))
        else:
            self._counts.requests += 1
            self._counts.statements += b"".join(self._body).count(b'"verb"')
            self._write(ACCEPTED)


async def main(port: int) -> None:
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counts), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
