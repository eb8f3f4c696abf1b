"""The web process: uvicorn on the app, until SIGTERM; then what was begun is answered."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from config import web_house
from config.listening import BACKLOG, listen
from config.settings import Settings
from config.telemetry import recording

GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to us.

    Its own handling raises the signal again once it has shut down, and that would end the process
    before its stores are closed.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Change nothing about signals."""
        yield

    def stop(self, on_stop: Callable[[], None] | None = None) -> None:
        """Answer what was begun and end; asked a second time, end at once."""
        if on_stop is not None:
            on_stop()
        self.force_exit = self.should_exit
        self.should_exit = True


def main(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    with recording(settings, "web"):
        uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve the app on the address that the settings give."""
    with listen(settings.host, settings.port) as listening:
        await _serve_on(listening, settings)


async def _serve_on(listening: socket.socket, settings: Settings) -> None:
    async with web_house.open_web(settings) as app:
        server = Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                loop="uvloop",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        loop = asyncio.get_running_loop()
        # Syncs are told at once: they end after the batch on its way, and are answered then.
        on_stop = getattr(app.state, "on_stop", None)
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, server.stop, on_stop)
        await server.serve([listening])
