"""`hub worker`."""

from typing import Annotated

import typer

from config import worker
from config.commands.frame import do, prepare
from config.run import run_workers

Processes = Annotated[int | None, typer.Option(min=1, help="Else HUB_WORKER_PROCESSES.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Else HUB_WORKER_THREADS.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(work)


def work(*, processes: Processes = None, threads: Threads = None) -> None:
    """Deliver statements, until SIGTERM; then finish what is in flight."""
    settings = prepare()
    count = processes or settings.worker_processes
    each = threads or settings.worker_threads
    if count == 1:
        worker.work(settings, each)
        return
    do(run_workers(count, each))
