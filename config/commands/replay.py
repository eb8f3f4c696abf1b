"""`hub replay` and `hub operations`: send again what has ended, and steer long work."""

from typing import Annotated, Literal

import typer

from config.commands.following import follow
from config.commands.frame import AsJson, confirm, do, prepare, tell, tell_all
from config.commands.integrations import Id, Limit, Statements, Status
from config.commands.queues import DryRun, Yes
from config.commands.reach import Facts, reach
from config.commands.when import Since, Until, written
from config.settings import Settings

COLUMNS = ("id", "kind", "state", "statements", "done", "skipped", "by", "beganAt", "endedAt")

Outcome = Annotated[
    Literal["delivered", "discarded"],
    typer.Option(help="Those that were delivered, or those that somebody threw away."),
]
Front = Annotated[
    bool, typer.Option("--front", help="In front of what waits, instead of behind all of it.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until it is done.")]
OperationId = Annotated[
    str, typer.Argument(metavar="OPERATION", help="As `hub operations list` shows it.")
]

operations = typer.Typer(
    no_args_is_help=True, help="List, show, pause, resume, cancel replays, releases, discards."
)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command("replay")(replay)
    root.add_typer(operations, name="operations")


def replay(
    integration_id: Id,
    *,
    since: Since = None,
    until: Until = None,
    statement: Statements = None,
    status: Status = None,
    outcome: Outcome = "delivered",
    front: Front = False,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send again what was delivered (or discarded) in a time, behind what is live.

    Say --since, or name statements. It is counted first; workers carry it on, also when this
    command ends. `hub operations cancel` takes back what was not sent yet.
    """
    form: dict[str, object] = {
        "since": written(since),
        "until": written(until),
        "statementIds": statement or None,
        "status": status,
        "outcome": outcome,
        "inFront": front,
    }
    form = {name: value for name, value in form.items() if value is not None}
    settings = prepare()
    counted = do(_begin(settings, integration_id, {**form, "dryRun": True}))
    if dry_run or not counted["statements"]:
        tell({"id": integration_id, **counted}, as_json=as_json)
        return
    confirm(f"Send {counted['statements']} statements of {integration_id} again?", yes=yes)
    begun = do(_begin(settings, integration_id, form))
    if no_wait or not begun["replayId"]:
        tell({"id": integration_id, **begun}, as_json=as_json)
        return
    ended = do(_follow(settings, integration_id, str(begun["replayId"])))
    tell({"integration": integration_id, **_row(ended)}, as_json=as_json)


@operations.command("list")
def list_operations(integration_id: Id, *, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List an integration's operations, newest first."""
    found = do(_list(prepare(), integration_id, limit))
    tell_all(found, columns=COLUMNS, as_json=as_json)


@operations.command()
def show(integration_id: Id, operation_id: OperationId, *, as_json: AsJson = False) -> None:
    """Show how far an operation is."""
    tell(do(_show(prepare(), integration_id, operation_id)), as_json=as_json)


@operations.command()
def pause(integration_id: Id, operation_id: OperationId, *, as_json: AsJson = False) -> None:
    """Let an operation stand still."""
    tell(do(_steer(prepare(), integration_id, operation_id, "pause")), as_json=as_json)


@operations.command()
def resume(integration_id: Id, operation_id: OperationId, *, as_json: AsJson = False) -> None:
    """Let an operation go on."""
    tell(do(_steer(prepare(), integration_id, operation_id, "resume")), as_json=as_json)


@operations.command()
def cancel(integration_id: Id, operation_id: OperationId, *, as_json: AsJson = False) -> None:
    """End an operation; of a replay, what was not sent yet is taken back."""
    tell(do(_steer(prepare(), integration_id, operation_id, "cancel")), as_json=as_json)


async def _begin(settings: Settings, integration_id: str, form: dict[str, object]) -> Facts:
    async with reach(settings) as hub:
        return await hub.post(f"/api/integrations/{integration_id}/replays", form)


async def _follow(settings: Settings, integration_id: str, operation_id: str) -> Facts:
    async with reach(settings) as hub:
        return await follow(hub, integration_id, operation_id)


async def _list(settings: Settings, integration_id: str, limit: int) -> list[Facts]:
    async with reach(settings) as hub:
        path = f"/api/integrations/{integration_id}/operations"
        return [one async for one in hub.each(path, most=limit)]


async def _show(settings: Settings, integration_id: str, operation_id: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.get(f"/api/integrations/{integration_id}/operations/{operation_id}")


async def _steer(settings: Settings, integration_id: str, operation_id: str, verb: str) -> Facts:
    async with reach(settings) as hub:
        path = f"/api/integrations/{integration_id}/operations/{operation_id}"
        return await hub.post(f"{path}/{verb}")


def _row(found: Facts) -> Facts:
    return {name: found[name] for name in COLUMNS}
