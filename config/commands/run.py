"""`hub run`."""

from typing import Annotated

import typer

from config.commands.frame import do, prepare
from config.run import run
from config.run_demo import run_demo

Demo = Annotated[bool, typer.Option("--demo", help="Show a completion travel into a sandbox LRS.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(start)


def start(*, demo: Demo = False) -> None:
    """Run everything: the embedded store (unless HUB_REDIS_URL is set), migrations, web, workers.

    Ctrl-C stops it cleanly: workers finish what they have in flight. Twice hurries.
    """
    settings = prepare()
    do(run_demo(settings) if demo else run(settings))
