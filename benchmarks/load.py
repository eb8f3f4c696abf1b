"""A load generator that costs little: requests made beforehand, sent over connections kept alive.

Each connection sends the next request when the last was answered, and looks at every answer. What
is answered with 503 is sent again, as an upstream would do; anything else that is not expected ends
the run.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from benchmarks.report import percentile

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
POSTPONED = b"HTTP/1.1 503 "


@dataclass(slots=True)
class Served:
    """How a run went; times in seconds."""

    took: float = 0.0
    postponed: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return len(self.waits) / self.took

    def wait_ms(self, share: float) -> float:
        """Give how long this share of all requests waited at most."""
        return round(percentile(self.waits, share) * 1000, 1)


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Write a POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + END_OF_HEAD + body


async def serve(port: int, requests: Sequence[bytes], *, connections: int, status: int) -> Served:
    """Send all requests; raise RuntimeError if one is not answered with `status`."""
    served, waiting = Served(), iter(requests)
    loop = asyncio.get_running_loop()
    began = monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            _, client = await loop.create_connection(
                lambda: Client(waiting, served, b"HTTP/1.1 %d " % status), "127.0.0.1", port
            )
            group.create_task(client.wait())
    served.took = monotonic() - began
    if len(served.waits) != len(requests):
        raise RuntimeError(f"{len(served.waits)} of {len(requests)} requests were answered")
    return served


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], served: Served, expected: bytes) -> None:
        self._requests = requests
        self._request = next(requests, None)
        self._served = served
        self._expected = expected
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Wait until this connection has no more to send; raise what went wrong."""
        await self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport can write
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(END_OF_HEAD)
        if head < 0 or len(self._received) < head + len(END_OF_HEAD) + self._length(head):
            return
        answer, self._received = self._received, b""
        if answer.startswith(self._expected):
            self._served.waits.append(monotonic() - self._sent_at)
            self._request = next(self._requests, None)
            self._send()
        elif answer.startswith(POSTPONED):
            self._served.postponed += 1
            self._send()
        else:
            self._fail(RuntimeError(f"not accepted: {answer[:500]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or RuntimeError("the server closed a connection"))

    def _send(self) -> None:
        if self._transport is None:
            raise AssertionError("a connection is made before anything is sent")
        if self._request is not None:
            self._sent_at = monotonic()
            self._transport.write(self._request)
            return
        if not self._ended.done():
            self._ended.set_result(None)
        self._transport.close()

    def _length(self, head: int) -> int:
        names = self._received[:head].lower()
        at = names.find(LENGTH)
        return int(names[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)
