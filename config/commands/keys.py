"""`hub keys`: who may use the API."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from config.commands.frame import AsJson, Row, do, moment, prepare, tell, tell_all
from config.commands.reach import reach
from config.settings import Settings
from config.wiring import open_registry
from hub.registry.parties.caller import Right
from hub.registry.parties.keys import ApiKey

BY = "command line"
COLUMNS = (
    "id",
    "userId",
    "system",
    "programs",
    "createdAt",
    "lastUsedAt",
    "expiresAt",
    "revokedAt",
)

UserId = Annotated[str, typer.Option(help="Whom the key is for.")]
System = Annotated[bool, typer.Option("--system", help="May do everything.")]
Rights = Annotated[
    list[str] | None,
    typer.Option("--program", metavar="P[:read|write]", help="May read (or write) a program."),
]
Expires = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"], help="When it ends; without a zone, yours."
    ),
]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `hub keys list` shows it.")]

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="keys")


@app.command()
def create(
    *,
    user_id: UserId,
    system: System = False,
    program: Rights = None,
    expires: Expires = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key and print it: the only time it is shown."""
    rights = dict(_right(text) for text in program or ())
    if not system and not rights:
        typer.echo("This key may do nothing: say --system, or --program.", err=True)
    ends = expires.astimezone(UTC) if expires else None
    made = do(_create(prepare(), user_id, system=system, rights=rights, expires_at=ends))
    if as_json:
        tell(made, as_json=True)
        return
    typer.echo(made["apiKey"])


@app.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List all keys, newest first; never the secrets."""
    tell_all(do(_list(prepare())), columns=COLUMNS, as_json=as_json)


@app.command()
def revoke(key_id: KeyId, *, as_json: AsJson = False) -> None:
    """Revoke a key; it stops working within seconds."""
    tell(do(_revoke(prepare(), key_id)), as_json=as_json)


async def _create(
    settings: Settings,
    user_id: str,
    *,
    system: bool,
    rights: dict[str, Right],
    expires_at: datetime | None,
) -> Row:
    if settings.url is not None:
        form = {
            "userId": user_id,
            "system": system,
            "programs": {program: right.value for program, right in rights.items()},
            **({"expiresAt": expires_at.isoformat()} if expires_at else {}),
        }
        async with reach(settings) as hub:
            told = await hub.post("/api/keys", form)
        return {"id": told["keyId"], "userId": told["userId"], "apiKey": told["apiKey"]}
    async with open_registry(settings) as registry:
        made = await registry.keys.create(
            user_id, system=system, rights=rights, expires_at=expires_at, by=BY
        )
    return {"id": made.record.id, "userId": made.record.user_id, "apiKey": made.api_key}


async def _list(settings: Settings) -> list[Row]:
    rows: list[Row] = []
    if settings.url is not None:
        async with reach(settings) as hub:
            return [{"id": one["keyId"], **one} async for one in hub.each("/api/keys")]
    async with open_registry(settings) as registry:
        page = await registry.keys.list()
        rows.extend(_row(key) for key in page.items)
        while page.next is not None:
            page = await registry.keys.list(cursor=page.next)
            rows.extend(_row(key) for key in page.items)
    return rows


async def _revoke(settings: Settings, key_id: str) -> Row:
    if settings.url is not None:
        async with reach(settings) as hub:
            await hub.delete(f"/api/keys/{key_id}")
            return {"id": key_id, **await hub.get(f"/api/keys/{key_id}")}
    async with open_registry(settings) as registry:
        return _row(await registry.keys.revoke(key_id, by=BY))


def _row(key: ApiKey) -> Row:
    return {
        "id": key.id,
        "userId": key.user_id,
        "system": key.system,
        "programs": {program: right.value for program, right in key.rights.items()},
        "createdAt": moment(key.created_at),
        "lastUsedAt": moment(key.last_used_at),
        "expiresAt": moment(key.expires_at),
        "revokedAt": moment(key.revoked_at),
    }


def _right(text: str) -> tuple[str, Right]:
    program, _, right = text.partition(":")
    try:
        return program, Right(right or Right.READ)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: after the colon comes read or write") from None
