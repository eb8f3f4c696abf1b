"""A way to the sandbox without sockets and without waiting, for clocks that are moved by hand."""

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from config.sandbox.app import build
from config.sandbox.line import LINE, Ending
from config.sandbox.state import Sandbox


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests of an httpx client to the sandbox; what would take time happens at once.

    Any host name leads to the sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._app = build(sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        patience: float | None = request.extensions.get("timeout", {}).get("read")
        line = Shortcut(patience)
        transport = httpx.ASGITransport(app=_with_line(self._app, line))
        response = await transport.handle_async_request(request)
        if line.too_late:
            raise httpx.ReadTimeout("the sandbox was told to be slow")
        return response


class Shortcut:
    """A line that skips the waiting: tells at once what the caller would have seen in the end."""

    def __init__(self, patience_seconds: float | None) -> None:
        self._patience_seconds = patience_seconds
        self.too_late = False

    def end(self, ending: Ending) -> None:
        match ending:
            case Ending.RESET:
                raise httpx.ReadError("the sandbox was told to cut the connection")
            case Ending.CLOSED:
                raise httpx.RemoteProtocolError("the sandbox was told to close the connection")
            case Ending.SILENT:
                raise httpx.ReadTimeout("the sandbox was told to be silent")
            case Ending.ANSWERED:
                pass

    async def wait(self, seconds: float) -> None:
        patience = self._patience_seconds
        # As with a slow server, the work is done although the caller has gone.
        self.too_late = patience is not None and seconds >= patience


def _with_line(app: ASGIApp, line: Shortcut) -> ASGIApp:
    async def carry(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "extensions": {LINE: {"line": line}}}, receive, send)

    return carry
