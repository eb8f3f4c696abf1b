"""A process of the product under cProfile: `python -m benchmarks.profiled FILE web|worker`.

Reads the same settings as `hub web` and `hub worker`, profiles the thread that its event loop runs
on, and writes the profile when it is stopped.
"""

import cProfile
import os
import sys

from dramatiq.asyncio import EventLoopThread

from config import logs, web, worker
from config.settings import Settings, load


def profile_web(settings: Settings, path: str) -> None:
    """Be a web process until SIGTERM."""
    profile = cProfile.Profile()
    try:
        profile.runcall(web.main, settings)
    finally:
        profile.dump_stats(path)


def profile_worker(settings: Settings, path: str) -> None:
    """Be a worker process until SIGTERM."""
    run = EventLoopThread.run

    def profiled(thread: EventLoopThread) -> None:
        profile = cProfile.Profile()
        try:
            profile.runcall(run, thread)
        finally:
            profile.dump_stats(path)

    EventLoopThread.run = profiled  # type: ignore[method-assign]  # the one seam there is
    worker.work(settings, settings.worker_threads)


def main(path: str, process: str) -> None:
    """Be the process that is asked for."""
    settings = load(os.environ)
    logs.configure(settings)
    {"web": profile_web, "worker": profile_worker}[process](settings, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
