"""`hub parked`: what customers' servers refused."""

from typing import Literal

import typer

from config.commands.following import follow
from config.commands.frame import AsJson, confirm, do, prepare, tell, tell_all
from config.commands.integrations import Id, Limit, Statements, Status
from config.commands.queues import DryRun, Yes
from config.commands.reach import Facts, reach
from config.commands.when import Since, Until, written
from config.settings import Settings

COLUMNS = ("statementId", "at", "status", "reason")

Verb = Literal["release", "discard"]

app = typer.Typer(no_args_is_help=True, help="List, release, discard refused statements.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="parked")


@app.command("list")
def list_parked(
    integration_id: Id,
    *,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List refused statements, newest first, with what the server said."""
    query = {"status": status, "since": written(since), "until": written(until)}
    found = do(_parked(prepare(), integration_id, query, limit))
    tell_all(found, columns=COLUMNS, as_json=as_json)


@app.command()
def release(
    integration_id: Id,
    *,
    statement: Statements = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let refused statements be tried again, in front of the queue: all, or those you choose."""
    form = choice(statement, status, written(since), written(until))
    told = do(_do(prepare(), "release", integration_id, form, dry_run=dry_run))
    tell({"id": integration_id, **told}, as_json=as_json)


@app.command()
def discard(
    integration_id: Id,
    *,
    statement: Statements = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give refused statements up: all, or those you choose.

    Until HUB_ARCHIVE_DAYS have passed, `hub replay ID --outcome discarded` brings them back.
    """
    settings = prepare()
    form = choice(statement, status, written(since), written(until))
    counted = do(_do(settings, "discard", integration_id, form, dry_run=True))
    if dry_run:
        tell({"id": integration_id, **counted}, as_json=as_json)
        return
    count = f"{'at least ' if counted.get('atLeast') else ''}{counted['discarded']}"
    confirm(f"Discard {count} statements of {integration_id}?", yes=yes)
    told = do(_do(settings, "discard", integration_id, form, dry_run=False))
    tell({"id": integration_id, **told}, as_json=as_json)


def choice(
    statement: list[str] | None, status: int | None, since: str | None, until: str | None
) -> dict[str, object]:
    """Say which statements are meant, as the API asks."""
    said: dict[str, object] = {
        "statementIds": statement or None,
        "status": status,
        "since": since,
        "until": until,
    }
    named = {name: value for name, value in said.items() if value is not None}
    return named or {"all": True}


async def _parked(
    settings: Settings, integration_id: str, query: dict[str, str | int | None], limit: int
) -> list[Facts]:
    async with reach(settings) as hub:
        path = f"/api/integrations/{integration_id}/parked"
        return [one async for one in hub.each(path, query, most=limit)]


async def _do(
    settings: Settings,
    verb: Verb,
    integration_id: str,
    form: dict[str, object],
    *,
    dry_run: bool,
) -> Facts:
    async with reach(settings) as hub:
        path = f"/api/integrations/{integration_id}"
        told = await hub.post(f"{path}/parked/{verb}", {**form, "dryRun": dry_run})
        operation_id = told.get("operationId")
        if operation_id is not None:
            await follow(hub, integration_id, str(operation_id))
        return told
