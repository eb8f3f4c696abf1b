"""`hub import`, `hub files` and `hub sources`: files become statements, and what became of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from config.commands.following import PAUSE_SECONDS, bytes_progress
from config.commands.frame import AsJson, do, prepare, tell, tell_all
from config.commands.integrations import Limit
from config.commands.reach import Facts, Hub, reach
from config.settings import Settings

COLUMNS = (
    *("fileId", "name", "state", "size", "rows", "statements", "new", "skipped", "failed"),
    *("waitsFor", "landedAt"),
)
PART = 256 * 1024
OVER = frozenset({"done", "failed"})

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The id of a source of kind csv.")]
AnySource = Annotated[str, typer.Argument(metavar="SOURCE", help="As `hub sources list` shows it.")]
FileId = Annotated[str, typer.Argument(metavar="FILE", help="As `hub files list` shows it.")]
Program = Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's id.")]
Path_ = Annotated[
    Path,
    typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="A CSV file."),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Do not wait until it is read; workers do that anyway.")
]

sources = typer.Typer(no_args_is_help=True, help="List what brings raw records.")
files = typer.Typer(no_args_is_help=True, help="List, show and reprocess landed files.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command("import")(import_file)
    root.add_typer(files, name="files")
    root.add_typer(sources, name="sources")


def import_file(
    source_id: Source, path: Path_, *, no_wait: NoWait = False, as_json: AsJson = False
) -> None:
    """Send a file to a source, and watch it become statements.

    The same bytes again are the same file, and make nothing new. Exit code 1 if the file could not
    be read; records that make no statement are counted, and `hub files errors` has them.
    """
    found = do(_import(prepare(), source_id, path, path.stat().st_size, wait=not no_wait))
    tell(_row(found), as_json=as_json)
    if found["state"] == "failed":
        typer.echo(f"hub: {path.name} {found['trouble']}", err=True)
        raise typer.Exit(1)


@sources.command("list")
def list_sources(program: Program, *, as_json: AsJson = False) -> None:
    """List a program's sources."""
    found = do(_list(prepare(), f"/api/programs/{program}/sources", None))
    tell_all(found, columns=("id", "name", "kind", "status", "recipe"), as_json=as_json)


@files.command("list")
def list_files(source_id: AnySource, *, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List what has landed from a source, newest first."""
    found = do(_list(prepare(), f"/api/sources/{source_id}/files", limit))
    tell_all(found, columns=COLUMNS, as_json=as_json)


@files.command()
def show(source_id: AnySource, file_id: FileId, *, as_json: AsJson = False) -> None:
    """Show one file: its counts, and what is in its way."""
    found = do(_get(prepare(), f"/api/sources/{source_id}/files/{file_id}"))
    tell({name: value for name, value in found.items() if name != "errors"}, as_json=as_json)


@files.command()
def errors(
    source_id: AnySource, file_id: FileId, *, limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List the records that made no statement: line, field and reason."""
    found = do(_list(prepare(), f"/api/sources/{source_id}/files/{file_id}/errors", limit))
    tell_all(found, columns=("line", "field", "reason"), as_json=as_json)


@files.command()
def reprocess(source_id: AnySource, file_id: FileId, *, as_json: AsJson = False) -> None:
    """Read a file again, after its recipe was changed; what is known is not delivered twice."""
    found = do(_post(prepare(), f"/api/sources/{source_id}/files/{file_id}/reprocess"))
    tell(_row(found), as_json=as_json)


async def _import(
    settings: Settings, source_id: str, path: Path, size: int, *, wait: bool
) -> Facts:
    where = f"/api/sources/{source_id}/files"
    async with reach(settings) as hub:
        with bytes_progress() as bar:
            line = bar.add_task("sent", total=size)
            found = await hub.upload(where, _parts(path, bar, line), {"name": path.name})
            bar.remove_task(line)
            if wait:
                found = await _follow(hub, f"{where}/{found['fileId']}", bar)
        return found


async def _parts(path: Path, bar: Progress, line: TaskID) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while part := await asyncio.to_thread(file.read, PART):
            yield part
            bar.advance(line, len(part))


async def _follow(hub: Hub, path: str, bar: Progress) -> Facts:
    line = bar.add_task("read", total=None)
    while True:
        found = await hub.get(path)
        waits = f", waits: {found['waitsFor']}" if found["waitsFor"] else ""
        told = f"read, {found['statements']:,} statements{waits}"
        size, through = found["size"], found["readBytes"]
        if isinstance(size, int) and isinstance(through, int):
            # What is packed is read further than its size; the bar must not go beyond its end.
            bar.update(line, description=told, total=size, completed=min(size, through))
        if found["state"] in OVER:
            return found
        await asyncio.sleep(PAUSE_SECONDS)


async def _get(settings: Settings, path: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.get(path)


async def _post(settings: Settings, path: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.post(path)


async def _list(settings: Settings, path: str, limit: int | None) -> list[Facts]:
    async with reach(settings) as hub:
        return [one async for one in hub.each(path, most=limit)]


def _row(found: Facts) -> Facts:
    return {name: found[name] for name in (*COLUMNS, "trouble")}
