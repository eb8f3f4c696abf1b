"""`hub secrets`: the keys that customers' secrets are encrypted with, and their rotation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from config import clock
from config.commands.following import progress
from config.commands.frame import AsJson, Row, do, prepare, tell, tell_all
from config.commands.queues import DryRun
from config.errors import BadSettings
from config.keyring import Keyring, new_key, open_keyring
from config.settings import Settings
from config.wiring import Delivery, Registry, open_delivery, open_registry
from delivery.tokens.resealing import Resealing as RedisResealing
from hub.registry.resealing import Resealing as SqlResealing
from hub.registry.trust.vault import key_id, parse_key

BY = "command line"
COLUMNS = ("keyId", "given", "newest", "secrets")

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="A key's id, as `hub secrets list`.")]

app = typer.Typer(
    no_args_is_help=True,
    help="Keys that secrets are encrypted with. To rotate: `new`, `rotate`, `drop`.",
)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="secrets")


@app.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List keys, newest first, and how many secrets are encrypted with each; never the keys."""
    tell_all(do(_list(prepare())), columns=COLUMNS, as_json=as_json)


@app.command()
def new(*, as_json: AsJson = False) -> None:
    """Make a key. Where keys stand in a file, it is put in front of the others there.

    Else it is printed: put it in front of HUB_SECRET_KEYS, with a comma, and restart all processes.
    """
    settings = prepare()
    keyring, made = open_keyring(settings), new_key()
    if keyring.file is None:
        tell({"keyId": key_id(parse_key(made)), "key": made}, as_json=as_json)
        return
    keyring.file.write((made, *keyring.keys))
    tell({"keyId": key_id(parse_key(made)), "file": str(keyring.file.path)}, as_json=as_json)


@app.command()
def rotate(*, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Encrypt everything anew with the newest key, while the hub goes on. May be repeated.

    Then older keys may go, where `hub secrets list` shows that nothing is encrypted with them.
    """
    tell(do(_rotate(prepare(), dry_run=dry_run)), as_json=as_json)


@app.command()
def drop(key: KeyId, *, as_json: AsJson = False) -> None:
    """Take a key out of its file, if nothing is encrypted with it."""
    tell(do(_drop(prepare(), key)), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Everything:
    registry: Registry
    delivery: Delivery
    in_sql: SqlResealing
    in_redis: RedisResealing

    async def counts(self) -> dict[str, int]:
        in_sql, in_redis = await self.in_sql.survey(), await self.in_redis.survey()
        names = dict.fromkeys((*self.registry.vault.key_ids, *in_sql, *in_redis))
        return {name: in_sql.get(name, 0) + in_redis.get(name, 0) for name in names}


@asynccontextmanager
async def _everything(settings: Settings) -> AsyncIterator[_Everything]:
    async with open_registry(settings) as registry, open_delivery(settings, registry) as delivery:
        # Made now if it is not there yet, or it would hang on the oldest key for ever.
        await registry.pepper()
        yield _Everything(
            registry,
            delivery,
            SqlResealing(registry.database, registry.vault, registry.audit),
            RedisResealing(delivery.store, registry.vault),
        )


async def _list(settings: Settings) -> list[Row]:
    async with _everything(settings) as everything:
        counts, given = await everything.counts(), everything.registry.vault.key_ids
    return [
        {"keyId": name, "given": name in given, "newest": name == given[0], "secrets": count}
        for name, count in counts.items()
    ]


async def _rotate(settings: Settings, *, dry_run: bool) -> Row:
    async with _everything(settings) as everything:
        given, counts = everything.registry.vault.key_ids, await everything.counts()
        old = sum(count for name, count in counts.items() if name != given[0])
        if dry_run:
            return {"key": given[0], "secrets": old, "mayGo": []}
        with progress() as bar:
            line = bar.add_task("secrets", total=sum(counts.values()))
            made = await everything.in_sql.reseal(lambda seen: bar.advance(line, seen))
            made += await everything.in_redis.reseal()
        if made:
            await everything.in_sql.note(at=clock.now(), by=BY, count=made)
        left = await everything.counts()
        return {
            "key": given[0],
            "secrets": made,
            "mayGo": [name for name in given[1:] if not left.get(name)],
        }


async def _drop(settings: Settings, key: str) -> Row:
    keyring = open_keyring(settings)
    async with _everything(settings) as everything:
        count = (await everything.counts()).get(key, 0)
    if count:
        raise BadSettings([f"{count} secrets are encrypted with {key}: hub secrets rotate"])
    left = tuple(text for text in keyring.keys if key_id(parse_key(text)) != key)
    if left == keyring.keys or not left:
        raise BadSettings([f"{key} is no key that could go"])
    return {"dropped": key, "file": _written(keyring, left)}


def _written(keyring: Keyring, keys: tuple[str, ...]) -> str:
    if keyring.file is None:
        raise BadSettings(["the keys stand in HUB_SECRET_KEYS: take the old one out there"])
    keyring.file.write(keys)
    return str(keyring.file.path)
