"""`hub migrate`."""

import typer

from config.commands.frame import AsJson, do, prepare, tell
from hub.registry.sql.migrate import migrate


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate")(bring_up_to_date)


def bring_up_to_date(*, as_json: AsJson = False) -> None:
    """Bring the database's tables up to date; harmless when they are."""
    do(migrate(prepare().database_url))
    tell({"migrated": True}, as_json=as_json)
