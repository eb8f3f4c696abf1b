"""A network that fails on command: passes bytes between two ends, until it is told otherwise.

| trouble | what becomes of the bytes                                                         |
|---------|-----------------------------------------------------------------------------------|
| NONE    | they arrive                                                                       |
| CUT     | what is open is cut once, both ways, with whatever is under way                   |
| STALL   | they wait, both ways, until the trouble is over; connections are still taken      |
| DEAF    | what is asked arrives; the connection is cut before the first byte of an answer   |
| REFUSE  | nobody listens, and what was open is cut                                          |
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import StrEnum

HOST = "127.0.0.1"
AT_ONCE = 64 * 1024
# Linger on, for no time: closing then sends RST instead of FIN.
LINGER_NOT = struct.pack("ii", 1, 0)


class Trouble(StrEnum):
    """What is wrong with the network."""

    NONE = "none"
    CUT = "cut"
    STALL = "stall"
    DEAF = "deaf"
    REFUSE = "refuse"


class FaultProxy:
    """Listens on `port` of loopback and passes everything on to `target`, another port of it."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._trouble = Trouble.NONE
        self._clear = asyncio.Event()
        self._clear.set()
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self.port = 0
        self.struck = 0
        """How often trouble met somebody: connections cut, pieces held up, answers swallowed."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def open(self) -> None:
        """Listen; again on the same port, after the first time."""
        self._server = await asyncio.start_server(self._take, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and cut everything."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Cut every connection, both ways, with whatever is on its way."""
        talking = list(self._conversations)
        self.struck += len(talking)
        for conversation in talking:
            conversation.cancel()
        await asyncio.gather(*talking, return_exceptions=True)

    async def begin(self, trouble: Trouble) -> None:
        """Let trouble begin."""
        self._trouble = trouble
        if trouble is Trouble.STALL:
            self._clear.clear()
        if trouble is Trouble.CUT:
            await self.cut()
        if trouble is Trouble.REFUSE:
            await self.close()

    async def mend(self) -> None:
        """Let the trouble be over."""
        if self._trouble is Trouble.REFUSE:
            await self.open()
        self._trouble = Trouble.NONE
        self._clear.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.current_task()
        assert conversation is not None
        self._conversations.add(conversation)
        try:
            with suppress(asyncio.CancelledError), _severed(writer):
                await self._clear.wait()
                await self._connect(reader, writer)
        finally:
            self._conversations.discard(conversation)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, questions = await asyncio.open_connection(HOST, self._target)
        except OSError:
            return
        with _severed(questions):
            there = asyncio.create_task(self._pass_questions(reader, questions))
            back = asyncio.create_task(self._pass_answers(answers, writer))
            try:
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)

    async def _pass_questions(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(AT_ONCE):
            await self._pass(piece, writer)

    async def _pass_answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(AT_ONCE):
            if self._trouble is Trouble.DEAF:
                self.struck += 1
                return
            await self._pass(piece, writer)

    async def _pass(self, piece: bytes, writer: asyncio.StreamWriter) -> None:
        if self._trouble is Trouble.STALL:
            self.struck += 1
            await self._clear.wait()
        writer.write(piece)
        await writer.drain()


@contextmanager
def _severed(writer: asyncio.StreamWriter) -> Iterator[None]:
    """See to it that a connection is reset, not closed politely, when the block ends."""
    try:
        yield
    finally:
        connection = writer.get_extra_info("socket")
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        writer.transport.abort()


@asynccontextmanager
async def fault_proxy(target: int) -> AsyncIterator[FaultProxy]:
    """Open a proxy to a port of loopback, and cut what is left of it at the end."""
    proxy = FaultProxy(target)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.mend()
        await proxy.close()
