"""`hub integrations`, `hub queue` and `hub parked`: how deliveries stand, and how to steer them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from config.commands.frame import AsJson, Row, confirm, do, moment, prepare, tell, tell_all
from config.settings import Settings
from config.wiring import Registry, open_control
from delivery.control import Control
from delivery.errors import UnknownIntegration
from delivery.integration import IntegrationId
from delivery.parked import Parked
from delivery.statement import StatementId
from delivery.status import Health
from hub.registry.integrations import IntegrationRecord

BY = "command line"
COLUMNS = ("id", "program", "name", "provider", "status", "queued", "parked", "reason")
QUEUE_COLUMNS = ("id", "status", "queued", "oldestQueuedAt", "nextAttemptAt", "lastDeliveredAt")
PARKED_COLUMNS = ("statementId", "at", "status", "reason")

Id = Annotated[str, typer.Argument(metavar="ID", help="The integration's id.")]
MaybeId = Annotated[str | None, typer.Argument(metavar="[ID]", help="One integration, else all.")]
Program = Annotated[str | None, typer.Option(help="Only this program's.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Statements = Annotated[
    list[str] | None, typer.Option("--statement", metavar="ID", help="Only these, else all.")
]
Status = Annotated[int | None, typer.Option(help="Only those refused with this HTTP status.")]
Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"])]
Limit = Annotated[int, typer.Option(min=1, max=10_000)]

integrations = typer.Typer(no_args_is_help=True, help="List, show, enable, disable integrations.")
queue = typer.Typer(no_args_is_help=True, help="Look at queues; throw one away.")
parked = typer.Typer(no_args_is_help=True, help="List, release, discard refused statements.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(integrations, name="integrations")
    root.add_typer(queue, name="queue")
    root.add_typer(parked, name="parked")


@integrations.command("list")
def list_integrations(*, program: Program = None, as_json: AsJson = False) -> None:
    """List integrations, and how their deliveries stand."""
    rows = [_row(record, health) for record, health in do(_all(prepare(), program))]
    tell_all(rows, columns=COLUMNS, as_json=as_json)


@integrations.command()
def show(integration_id: Id, *, as_json: AsJson = False) -> None:
    """Show one integration; never its secrets."""
    record, health = do(_one(prepare(), integration_id))
    tell({**_row(record, health), **_details(record), **_queue(record, health)}, as_json=as_json)


@integrations.command()
def enable(integration_id: Id, *, as_json: AsJson = False) -> None:
    """Let an integration send again; what was held flows at once."""
    record, health = do(_switch(prepare(), integration_id, enabled=True))
    tell(_row(record, health), as_json=as_json)


@integrations.command()
def disable(integration_id: Id, *, as_json: AsJson = False) -> None:
    """Let an integration send nothing; what arrives meanwhile is held."""
    record, health = do(_switch(prepare(), integration_id, enabled=False))
    tell(_row(record, health), as_json=as_json)


@queue.command("show")
def show_queue(integration_id: MaybeId = None, *, as_json: AsJson = False) -> None:
    """Show what waits: for one integration, or for all."""
    settings = prepare()
    if integration_id is not None:
        tell(_queue(*do(_one(settings, integration_id))), as_json=as_json)
        return
    rows = [_queue(record, health) for record, health in do(_all(settings, None))]
    tell_all(rows, columns=QUEUE_COLUMNS, as_json=as_json)


@queue.command()
def purge(integration_id: Id, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Throw away everything that waits for an integration. Parked statements stay."""
    settings = prepare()
    _, health = do(_one(settings, integration_id))
    confirm(f"Throw away {health.queued} statements of {integration_id}?", yes=yes)
    tell({"id": integration_id, "purged": do(_purge(settings, integration_id))}, as_json=as_json)


@parked.command("list")
def list_parked(
    integration_id: Id,
    *,
    status: Status = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List refused statements, newest first, with what the server said."""
    found = do(_parked(prepare(), integration_id, status, since, until, limit))
    tell_all([_parked_row(one) for one in found], columns=PARKED_COLUMNS, as_json=as_json)


@parked.command()
def release(integration_id: Id, *, statement: Statements = None, as_json: AsJson = False) -> None:
    """Let refused statements be tried again, in front of the queue."""
    count = do(_release(prepare(), integration_id, _ids(statement)))
    tell({"id": integration_id, "released": count}, as_json=as_json)


@parked.command()
def discard(
    integration_id: Id, *, statement: Statements = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Give refused statements up for good."""
    what = f"{len(statement)} of the" if statement else "all"
    settings = prepare()
    confirm(f"Discard {what} parked statements of {integration_id}?", yes=yes)
    count = do(_discard(settings, integration_id, _ids(statement)))
    tell({"id": integration_id, "discarded": count}, as_json=as_json)


async def _all(settings: Settings, program: str | None) -> list[tuple[IntegrationRecord, Health]]:
    async with open_control(settings) as (registry, control, _):
        records = await _records(registry, program)
        health = await control.health([record.id for record in records])
        return [(record, health[record.id]) for record in records]


async def _records(registry: Registry, program: str | None) -> list[IntegrationRecord]:
    records: list[IntegrationRecord] = []
    cursor = None
    while True:
        page = await registry.integrations.list_all(cursor=cursor)
        for mark in page.items:
            record = await registry.integrations.find_record(mark.id)
            if record is not None and program in (None, record.program_id):
                records.append(record)
        cursor = page.next
        if cursor is None:
            return records


async def _one(settings: Settings, integration_id: str) -> tuple[IntegrationRecord, Health]:
    async with open_control(settings) as (registry, control, _):
        return await _look(registry, control, IntegrationId(integration_id))


async def _switch(
    settings: Settings, integration_id: str, *, enabled: bool
) -> tuple[IntegrationRecord, Health]:
    key = IntegrationId(integration_id)
    async with open_control(settings) as (registry, control, _):
        await registry.integrations.change(key, {"enabled": enabled}, by=BY)
        integration = await registry.integrations.find(key)
        if integration is not None:
            await control.apply(integration)
        return await _look(registry, control, key)


async def _purge(settings: Settings, integration_id: str) -> int:
    async with open_control(settings) as (_, control, _):
        return await control.purge(IntegrationId(integration_id))


async def _parked(
    settings: Settings,
    integration_id: str,
    status: int | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[Parked]:
    key = IntegrationId(integration_id)
    async with open_control(settings) as (registry, control, _):
        await _look(registry, control, key)
        found, _ = await control.parked(key, status=status, since=since, until=until, limit=limit)
        return found


async def _release(
    settings: Settings, integration_id: str, ids: Sequence[StatementId] | None
) -> int:
    key = IntegrationId(integration_id)
    async with open_control(settings) as (registry, control, _):
        await _look(registry, control, key)
        return await control.release(key, ids)


async def _discard(
    settings: Settings, integration_id: str, ids: Sequence[StatementId] | None
) -> int:
    key = IntegrationId(integration_id)
    async with open_control(settings) as (registry, control, _):
        await _look(registry, control, key)
        return await control.discard(key, ids)


async def _look(
    registry: Registry, control: Control, integration_id: IntegrationId
) -> tuple[IntegrationRecord, Health]:
    record = await registry.integrations.find_record(integration_id)
    if record is None:
        raise UnknownIntegration(f"There is no integration {integration_id}.")
    return record, (await control.health([integration_id]))[integration_id]


def _ids(statements: list[str] | None) -> list[StatementId] | None:
    return [StatementId(one) for one in statements] if statements else None


def _row(record: IntegrationRecord, health: Health) -> Row:
    return {
        "id": record.id,
        "program": record.program_id,
        "name": record.name,
        "provider": record.provider,
        "status": health.status.value,
        "queued": health.queued,
        "parked": health.parked,
        "reason": health.reason,
    }


def _details(record: IntegrationRecord) -> Row:
    return {
        "statementUrl": record.statement_url,
        "authenticationUrl": record.authentication_url,
        "clientId": record.client_id,
        "hasClientSecret": record.has_client_secret,
        "technicalEmails": list(record.technical_emails),
        "version": record.version,
        "createdAt": moment(record.created_at),
        "updatedAt": moment(record.updated_at),
    }


def _queue(record: IntegrationRecord, health: Health) -> Row:
    return {
        "id": record.id,
        "status": health.status.value,
        "since": moment(health.since),
        "reason": health.reason,
        "queued": health.queued,
        "oldestQueuedAt": moment(health.oldest_queued_at),
        "nextAttemptAt": moment(health.next_attempt_at),
        "lastDeliveredAt": moment(health.last_delivered_at),
        "lastAlertAt": moment(health.last_alert_at),
    }


def _parked_row(one: Parked) -> Row:
    return {
        "statementId": one.statement_id,
        "at": moment(one.at),
        "status": one.status,
        "reason": one.reason,
        "answer": one.answer,
    }
