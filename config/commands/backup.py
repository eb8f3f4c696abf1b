"""`hub backup` and `hub restore`: the embedded stores in one file."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from config.backup.manifest import DATABASE, REDIS, Manifest
from config.backup.restoring import restore
from config.backup.taking import take
from config.commands.frame import AsJson, Row, do, moment, prepare, tell
from config.settings import Settings

Target = Annotated[Path, typer.Argument(metavar="FILE", help="A tar file that is not there yet.")]
Source = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A backup.")
]
WithKeys = Annotated[
    bool,
    typer.Option("--with-keys", help="The secret keys too: keep that file like the keys."),
]
KeysFile = Annotated[
    Path | None,
    typer.Option("--keys", exists=True, dir_okay=False, help="The file of secret keys."),
]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command("backup")(back_up)
    root.command("restore")(bring_back)


def back_up(target: Target, *, with_keys: WithKeys = False, as_json: AsJson = False) -> None:
    """Write the embedded stores into one file, while everything goes on.

    SQL, Redis and landed files; the secret keys only if you say so, for who has both has it all.
    """
    manifest = do(_take(prepare(), target, with_keys=with_keys))
    tell({"file": str(target), **_row(manifest)}, as_json=as_json)


def bring_back(source: Source, *, keys: KeysFile = None, as_json: AsJson = False) -> None:
    """Restore a backup into HUB_DATA_DIR, which must be new or empty; then `hub run`.

    Statements accepted after the backup are not in it. What was delivered after it goes out again,
    with the same ids.
    """
    settings = prepare()
    manifest = restore(source, settings.data_dir, keys=keys)
    tell({"folder": str(settings.data_dir), **_row(manifest)}, as_json=as_json)


async def _take(settings: Settings, target: Path, *, with_keys: bool) -> Manifest:
    console = Console(stderr=True)
    with console.status("backup") if sys.stderr.isatty() else nullcontext() as status:
        return await take(
            settings,
            target,
            with_keys=with_keys,
            tell=lambda words: status.update(f"backup: {words}") if status else None,
        )


def _row(manifest: Manifest) -> Row:
    return {
        "release": manifest.release,
        "sqlAt": moment(manifest.parts[DATABASE].taken_at),
        "redisAt": moment(manifest.parts[REDIS].taken_at),
        "bytes": sum(part.size for part in manifest.parts.values()),
        "files": len(manifest.parts),
        "keysIncluded": manifest.has_keys,
        "keyIds": list(manifest.key_ids),
    }
