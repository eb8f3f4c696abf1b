"""`hub statements`: where one statement is, and what happened to it."""

from typing import Annotated

import typer

from config.commands.frame import AsJson, do, prepare, tell
from config.commands.integrations import Id
from config.commands.reach import Facts, reach
from config.settings import Settings

StatementId = Annotated[str, typer.Argument(metavar="STATEMENT", help="The statement's id.")]

app = typer.Typer(no_args_is_help=True, help="Find out what became of a statement.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="statements")


@app.command()
def show(integration_id: Id, statement_id: StatementId, *, as_json: AsJson = False) -> None:
    """Show where a statement is: queued, parked, delivered or discarded, and the last answer."""
    tell(do(_receipt(prepare(), integration_id, statement_id)), as_json=as_json)


async def _receipt(settings: Settings, integration_id: str, statement_id: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.get(f"/api/integrations/{integration_id}/statements/{statement_id}")
