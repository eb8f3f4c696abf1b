"""`hub web`."""

import typer

from config import web
from config.commands.frame import prepare


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("web")(serve)


def serve() -> None:
    """Serve the HTTP API on HUB_HOST and HUB_PORT, until SIGTERM."""
    web.main(prepare())
