"""`hub sandbox`."""

from typing import Annotated

import typer
import uvloop

from config import clock
from config.commands.frame import prepare
from config.sandbox.server import serve

Host = Annotated[str, typer.Option(help="Where to listen.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]
SmtpPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Take mails here; without it there is no mailbox."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sandbox")(rehearse)


def rehearse(*, host: Host = "127.0.0.1", port: Port = 8090, smtp_port: SmtpPort = None) -> None:
    """Run an LRS, a token endpoint, a LearningBuilder and a mailbox to rehearse against.

    Until Ctrl-C. POST /control makes it answer 503, 401, 400, 429, slowly, or not at all.
    """
    prepare()
    uvloop.run(serve(host, port, smtp_port, clock=clock.now))
