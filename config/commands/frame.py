"""What every command does alike: settings in, one answer out, and faults told in one line."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from pydantic import JsonValue

from config import logs
from config.settings import Settings, load

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Row = dict[str, JsonValue]
T = TypeVar("T")


def prepare() -> Settings:
    """Read the settings, and see to the log and the data folder."""
    settings = load(os.environ)
    logs.configure(settings)
    if settings.keeps_files and settings.url is None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return settings


def do(work: Coroutine[object, object, T]) -> T:
    """Run one command's work to its end."""
    return asyncio.run(work)


def tell(row: Row, *, as_json: bool) -> None:
    """Answer with one thing: a line for each of its facts, or one JSON object."""
    if as_json:
        _write(json.dumps(row))
        return
    width = max(len(name) for name in row)
    _write("\n".join(f"{name:<{width}}  {_shown(value)}" for name, value in row.items()))


def tell_all(rows: Sequence[Row], *, columns: Sequence[str], as_json: bool) -> None:
    """Answer with many: a table, or one JSON array."""
    if as_json:
        _write(json.dumps(list(rows)))
        return
    lines = [list(columns), *([_shown(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        _write("  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)))


def moment(at: datetime | None) -> str | None:
    """Write a moment as the API does."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person at a terminal; a script has decided already."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)


def _shown(value: JsonValue) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_shown(part) for part in value) or "-"
        case dict():
            return ", ".join(f"{name}: {_shown(part)}" for name, part in value.items()) or "-"
        case _:
            return str(value)


def _write(text: str) -> None:
    sys.stdout.write(f"{text.rstrip()}\n")
