"""`hub version`."""

from importlib.metadata import version

import typer

from config.commands.frame import AsJson, tell


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version")(show)


def show(*, as_json: AsJson = False) -> None:
    """Show which release this is."""
    tell({"learning-hub": version("learning-hub")}, as_json=as_json)
