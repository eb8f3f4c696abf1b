"""`hub queue`: what waits for an integration."""

from typing import Annotated

import typer

from config.commands.frame import AsJson, Row, confirm, do, prepare, tell, tell_all
from config.commands.integrations import Id, health_of, one_of, queue_of
from config.commands.reach import Facts, reach
from config.settings import Settings

COLUMNS = ("id", "status", "queued", "oldestQueuedAt", "nextAttemptAt", "lastDeliveredAt")

MaybeId = Annotated[str | None, typer.Argument(metavar="[ID]", help="One integration, else all.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]

app = typer.Typer(no_args_is_help=True, help="Look at queues; throw one away.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="queue")


@app.command()
def show(integration_id: MaybeId = None, *, as_json: AsJson = False) -> None:
    """Show what waits: for one integration, or for all."""
    settings = prepare()
    if integration_id is not None:
        tell(queue_of(do(one_of(settings, integration_id))), as_json=as_json)
        return
    rows = [queue_of(one) for one in do(_all(settings))]
    tell_all(rows, columns=COLUMNS, as_json=as_json)


@app.command()
def purge(
    integration_id: Id, *, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Throw away everything that waits for an integration. Parked statements stay.

    Until HUB_ARCHIVE_DAYS have passed, `hub replay ID --outcome discarded` brings it back.
    """
    settings = prepare()
    waiting = health_of(do(one_of(settings, integration_id))).get("queued")
    if dry_run:
        tell({"id": integration_id, "purged": waiting}, as_json=as_json)
        return
    confirm(f"Throw away {waiting} statements of {integration_id}?", yes=yes)
    purged: Row = do(_purge(settings, integration_id))
    tell({"id": integration_id, **purged}, as_json=as_json)


async def _all(settings: Settings) -> list[Facts]:
    async with reach(settings) as hub:
        return [one async for one in hub.each("/api/integrations")]


async def _purge(settings: Settings, integration_id: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.post(f"/api/integrations/{integration_id}/queue/purge")
