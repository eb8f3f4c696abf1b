"""The line to a caller: what can be done with it besides answering."""

import asyncio
import socket
import struct
from enum import StrEnum
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

LINE = "sandbox.line"
"""The ASGI extension under whose key `line` a server hands over the line of a request."""

# Linger on, for no time: closing then sends RST instead of FIN.
_LINGER_NOT = struct.pack("ii", 1, 0)


class Ending(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    SILENT = "silent"
    RESET = "reset"
    CLOSED = "closed"


class Line(Protocol):
    """What a switch may do to a caller. Each may also raise, where there is no socket."""

    def end(self, ending: Ending) -> None:
        """Do to the connection what the ending says."""
        ...

    async def wait(self, seconds: float) -> None:
        """Keep the caller waiting."""
        ...


class Wire:
    """A real connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.left_hanging = False
        """The caller was told nothing, and never will be."""

    def end(self, ending: Ending) -> None:
        match ending:
            case Ending.RESET:
                self._reset()
            case Ending.CLOSED:
                self._transport.close()
            case Ending.SILENT:
                self.left_hanging = True
            case Ending.ANSWERED:
                pass

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _reset(self) -> None:
        connection: socket.socket = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()


class NoWire:
    """A caller in the same process, with no socket that could be cut."""

    def end(self, ending: Ending) -> None:
        if ending in {Ending.RESET, Ending.CLOSED}:
            raise ConnectionResetError(f"the sandbox ended the request: {ending}")

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def line_of(scope: Scope) -> Line:
    """Return the line that the server put beside a request."""
    line: Line = scope.get("extensions", {}).get(LINE, {}).get("line") or NoWire()
    return line


class Unanswered(Response):
    """The answer that never comes: ends the line, and waits until the caller is gone."""

    def __init__(self, ending: Ending) -> None:
        super().__init__()
        self.ending = ending

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        line_of(scope).end(self.ending)
        # To return before the caller has gone would make the server answer 500 for us.
        while (await receive())["type"] != "http.disconnect":
            pass
