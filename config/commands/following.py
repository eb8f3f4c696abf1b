"""Following a long piece of work on a terminal: how far it is, how fast, how long it will take."""

import asyncio
import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Task as Line
from rich.text import Text

from config.commands.reach import Facts, Hub

PAUSE_SECONDS = 0.5
OVER = frozenset({"done", "cancelled"})
PAUSED = "paused"


class Rate(TextColumn):
    """How many there are in a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Line) -> Text:
        """Write it down, once it is known."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def progress() -> Progress:
    """Make a bar with rate and time left; it is not there where nobody looks."""
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TaskProgressColumn(), Rate(), TimeRemainingColumn()),
    )
    hidden = not sys.stderr.isatty()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)


def bytes_progress() -> Progress:
    """Make a bar of bytes, with rate and time left; it is not there where nobody looks."""
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), DownloadColumn()),
        *(TaskProgressColumn(), TransferSpeedColumn(), TimeRemainingColumn()),
    )
    hidden = not sys.stderr.isatty()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)


async def follow(hub: Hub, integration_id: str, operation_id: str) -> Facts:
    """Wait until an operation ends or is paused, showing how far it is; give it."""
    path = f"/api/integrations/{integration_id}/operations/{operation_id}"
    with progress() as bar:
        found = await hub.get(path)
        line = bar.add_task(str(found["kind"]), total=_count(found, "statements"))
        while str(found["state"]) not in OVER | {PAUSED}:
            bar.update(line, completed=_count(found, "done") + _count(found, "skipped"))
            await asyncio.sleep(PAUSE_SECONDS)
            found = await hub.get(path)
    return found


def _count(found: Facts, name: str) -> int:
    value = found[name]
    return value if isinstance(value, int) else 0
