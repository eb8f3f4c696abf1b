"""`hub integrations`: how deliveries stand, what customers' servers say, and switches."""

from typing import Annotated

import typer

from config.commands.frame import AsJson, Row, do, prepare, tell, tell_all
from config.commands.reach import Facts, reach
from config.commands.when import Since, Until, written
from config.settings import Settings

COLUMNS = ("id", "program", "name", "provider", "status", "queued", "parked", "reason")
ATTEMPT_COLUMNS = ("at", "outcome", "status", "milliseconds", "statements", "reason")
DETAILS = (
    *("statementUrl", "authenticationUrl", "clientId", "hasClientSecret", "technicalEmails"),
    *("batchSize", "concurrency", "version", "createdAt", "updatedAt"),
)
HEALTH = (
    *("status", "since", "reason", "queued", "oldestQueuedAt", "nextAttemptAt"),
    *("lastDeliveredAt", "lastAlertAt"),
)
STEP_COLUMNS = ("name", "ok", "status", "milliseconds", "detail", "hint")

Id = Annotated[str, typer.Argument(metavar="ID", help="The integration's id.")]
Program = Annotated[str | None, typer.Option(help="Only this program's.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Outcome = Annotated[str | None, typer.Option(help="Only accepted, unavailable or refused ones.")]
Statements = Annotated[
    list[str] | None, typer.Option("--statement", metavar="ID", help="Only these.")
]
Status = Annotated[int | None, typer.Option(help="Only those answered with this HTTP status.")]

app = typer.Typer(
    no_args_is_help=True, help="List, show, test, enable, disable integrations; see attempts."
)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="integrations")


@app.command("list")
def list_integrations(*, program: Program = None, as_json: AsJson = False) -> None:
    """List integrations, and how their deliveries stand."""
    found = do(_all(prepare(), program))
    tell_all([row_of(one) for one in found], columns=COLUMNS, as_json=as_json)


@app.command()
def show(integration_id: Id, *, as_json: AsJson = False) -> None:
    """Show one integration and why it is where it is; never its secrets."""
    found = do(one_of(prepare(), integration_id))
    tell({**row_of(found), **_details(found), **queue_of(found)}, as_json=as_json)


@app.command()
def enable(integration_id: Id, *, as_json: AsJson = False) -> None:
    """Let an integration send again; what was held flows at once."""
    tell(row_of(do(_switch(prepare(), integration_id, "active"))), as_json=as_json)


@app.command()
def disable(integration_id: Id, *, as_json: AsJson = False) -> None:
    """Let an integration send nothing; what arrives meanwhile is held."""
    tell(row_of(do(_switch(prepare(), integration_id, "disabled"))), as_json=as_json)


@app.command("test")
def rehearse(integration_id: Id, *, as_json: AsJson = False) -> None:
    """Send a made-up statement now, and tell each step. Exit code 1 if one fails.

    It goes past the queue, and changes no status.
    """
    told = do(_rehearse(prepare(), integration_id))
    steps = [one for one in _list(told["steps"]) if isinstance(one, dict)]
    if as_json:
        tell(told, as_json=True)
    else:
        tell_all(steps, columns=STEP_COLUMNS, as_json=False)
    response = told.get("response")
    if isinstance(response, dict) and not as_json:
        typer.echo(f"\nHTTP {response['status']}\n{response['body']}")
    if not all(step["ok"] for step in steps):
        raise typer.Exit(1)


@app.command()
def attempts(
    integration_id: Id,
    *,
    outcome: Outcome = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List the last requests to the customer's server, newest first, with its answers."""
    query = {
        "outcome": outcome,
        "status": status,
        "since": written(since),
        "until": written(until),
    }
    found = do(_attempts(prepare(), integration_id, query, limit))
    if as_json:
        tell_all(found, columns=(), as_json=True)
        return
    rows: list[Row] = [
        {**one, "statements": len(_list(one["statementIds"])), "reason": one["reason"] or None}
        for one in found
    ]
    tell_all(rows, columns=ATTEMPT_COLUMNS, as_json=False)


async def one_of(settings: Settings, integration_id: str) -> Facts:
    """Ask for one integration."""
    async with reach(settings) as hub:
        return await hub.get(f"/api/integrations/{integration_id}")


async def _all(settings: Settings, program: str | None) -> list[Facts]:
    async with reach(settings) as hub:
        found = [one async for one in hub.each("/api/integrations")]
    return [one for one in found if program in (None, one["programId"])]


async def _switch(settings: Settings, integration_id: str, status: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.patch(f"/api/integrations/{integration_id}", {"status": status})


async def _rehearse(settings: Settings, integration_id: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.post(f"/api/integrations/{integration_id}/test")


async def _attempts(
    settings: Settings, integration_id: str, query: dict[str, str | int | None], limit: int
) -> list[Facts]:
    async with reach(settings) as hub:
        path = f"/api/integrations/{integration_id}/attempts"
        return [one async for one in hub.each(path, query, most=limit)]


def row_of(found: Facts) -> Row:
    """Give what a list shows of an integration."""
    health = health_of(found)
    return {
        "id": found["id"],
        "program": found["programId"],
        "name": found["name"],
        "provider": found["provider"],
        "status": health.get("status"),
        "queued": health.get("queued"),
        "parked": health.get("parked"),
        "reason": health.get("reason"),
    }


def queue_of(found: Facts) -> Row:
    """Give how an integration's queue stands."""
    health = health_of(found)
    return {"id": found["id"], **{name: health.get(name) for name in HEALTH}}


def health_of(found: Facts) -> Facts:
    """Give an integration's health; empty while Redis cannot be asked."""
    health = found["health"]
    return health if isinstance(health, dict) else {}


def _details(found: Facts) -> Row:
    return {name: found[name] for name in DETAILS}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
