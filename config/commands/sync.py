"""`hub sync`: sends what is new to a program's LearningBuilder, now."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from config.commands.frame import AsJson, Row, do, moment, prepare, tell, tell_all
from config.commands.reach import Facts, reach
from config.settings import Settings
from config.syncing import open_syncing
from config.wiring import open_registry
from hub.registry.clearing_house.sync_batches import Batch
from hub.registry.clearing_house.syncs import Trigger
from hub.sync.report import SyncReport
from hub.sync.run import Tally
from hub.sync.synchronizer import Order
from hub.sync.telling import sentence
from hub.templates.renderer import Renderer

BY = "command line"
COLUMNS = ("publisher", "importProcessId", "rows", "state", "repeated", "queueBatchId", "fileName")

Program = Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's id.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sync")(sync)


def sync(program: Program, *, as_json: AsJson = False) -> None:
    """Send a program's new events to its LearningBuilder. Exit code 1 if anything failed.

    SIGTERM ends it after the batch on its way; the next sync goes on from there.
    """
    settings = prepare()
    if settings.url is not None:
        _tell_far(do(_sync_far(settings, program)), as_json=as_json)
        return
    report = do(_sync(settings, program))
    if as_json:
        tell(_whole(report), as_json=True)
    else:
        tell_all([_row(one) for one in report.batches], columns=COLUMNS, as_json=False)
    for failure in report.failures:
        typer.echo(f"hub: {sentence(failure)}", err=True)
    if report.failures:
        raise typer.Exit(1)


async def _sync_far(settings: Settings, program: str) -> Facts:
    async with reach(settings) as hub:
        return await hub.post("/api/processEvents", query={"programId": program})


def _tell_far(told: Facts, *, as_json: bool) -> None:
    if as_json:
        tell(told, as_json=True)
        return
    batches = told["batches"]
    rows: list[Row] = (
        [{**one, "state": "accepted"} for one in batches if isinstance(one, dict)]
        if isinstance(batches, list)
        else []
    )
    tell_all(rows, columns=COLUMNS, as_json=False)


async def _sync(settings: Settings, program: str) -> SyncReport:
    renderer = Renderer()
    try:
        async with (
            open_registry(settings) as registry,
            open_syncing(settings, registry, renderer) as syncing,
        ):
            # Ctrl-C is the same, but waits for LearningBuilder no longer than a few seconds.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, syncing.running.stop)
            with _progress() as show:
                return await syncing.running.run(Order(program, Trigger.CALL, BY), tell=show.to)
    finally:
        await renderer.close()


class _Show:
    """The line on a terminal that tells how far a sync is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._line = progress.add_task("reading events", total=None)

    def to(self, tally: Tally) -> None:
        words = f"{tally.events:,} events, {tally.rows:,} rows in {tally.batches} batches"
        self._progress.update(self._line, description=words)


@contextmanager
def _progress() -> Iterator[_Show]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        yield _Show(progress)


def _whole(report: SyncReport) -> Row:
    run = report.sync
    return {
        "syncId": run.id,
        "program": run.program_id,
        "state": run.state.value,
        "startedAt": moment(run.started_at),
        "endedAt": moment(run.ended_at),
        "until": moment(run.until),
        "events": run.events,
        "skipped": run.ignored,
        "batches": [_row(one) for one in report.batches],
        "failures": [failure.as_json() for failure in report.failures],
    }


def _row(batch: Batch) -> Row:
    return {
        "publisher": batch.publisher_program_id,
        "importProcessId": batch.import_process_id,
        "rows": batch.rows,
        "state": batch.state.value,
        "repeated": batch.repeated,
        "queueBatchId": batch.queue_batch_id,
        "queueBatchDetails": batch.queue_batch_details,
        "fileName": batch.file_name,
    }
