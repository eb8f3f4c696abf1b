"""A worker process: Dramatiq's threads answer the rings, one event loop does all the work.

hub worker --processes N      starts N of itself with one process each, and waits for them
hub worker --processes 1      is one: loop up, house open, clock beating, then rings are answered
"""

import asyncio
import gc
import os
import signal
import socket
import threading
from contextlib import AbstractAsyncContextManager, ExitStack, suppress

import structlog
import uvloop
from dramatiq import Broker, Middleware, Worker
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread, set_event_loop_thread
from dramatiq.middleware import AsyncIO, MiddlewareError

from config.broker import open_broker
from config.errands import run_errands
from config.settings import Settings
from config.stores import locate, open_broker_redis
from config.telemetry import recording
from config.worker_house import WorkerHouse, open_worker
from config.worker_metrics import Numbers, serving
from delivery.actors import declare
from delivery.facts.errors import StoreUnavailable
from delivery.mails.alerts import Alerts
from delivery.work.running import Running
from hub.background import cease

IDLE_MS = 250
"""How often an idle thread looks whether it is to end; a ring wakes it at once."""

log = structlog.get_logger()


class Loop(AsyncIO):
    """Dramatiq's event loop thread, on uvloop."""

    def before_worker_boot(self, _: Broker, __: Worker) -> None:
        """Start the loop."""
        thread = EventLoopThread(self.logger)
        thread.loop.close()
        thread.loop = uvloop.new_event_loop()
        thread.start(timeout=1.0)
        set_event_loop_thread(thread)


class NotOpened(MiddlewareError):
    """The house cannot be opened; the cause says why. Dramatiq goes on after any other error."""


class Residence(Middleware):
    """Opens the house on the loop before the first ring, and closes it after the last."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._opened: AbstractAsyncContextManager[WorkerHouse] | None = None
        self._house: WorkerHouse | None = None
        self._beside: list[asyncio.Task[None]] = []
        self._door = ExitStack()

    @property
    def running(self) -> Running:
        """The drains of this process."""
        return self._lived_in().running

    @property
    def alerts(self) -> Alerts:
        """The alerts."""
        return self._lived_in().alerts

    def before_worker_boot(self, _: Broker, __: Worker) -> None:
        """Open the house. Raises NotOpened.

        A worker without one must not stay: it would take rings, and do nothing about them.
        """
        try:
            self._loop().run_coroutine(self._open())
        except Exception as error:
            self._loop().stop()  # type: ignore[no-untyped-call]  # Dramatiq left it untyped
            raise NotOpened from error
        if self._settings.metrics_port is not None:
            numbers = Numbers(self._loop().loop, self._lived_in().metrics.text)
            self._door.enter_context(
                serving(self._settings.host, self._settings.metrics_port, numbers)
            )

    def before_worker_shutdown(self, _: Broker, worker: Worker) -> None:
        """Leave further rings to other workers, and let the drains close after what is in flight.

        A ring that this process still took would be lost to the others for a while.
        """
        worker.pause()
        self._loop().run_coroutine(self._finish())

    def after_worker_shutdown(self, _: Broker, __: Worker) -> None:
        """Close the house."""
        self._door.close()
        self._loop().run_coroutine(self._close())

    async def _open(self) -> None:
        self._opened = open_worker(self._settings, self._name)
        self._house = await self._opened.__aenter__()
        self._beside = [
            asyncio.create_task(self._house.heartbeat.run()),
            asyncio.create_task(run_errands(self._house.errands)),
        ]
        # What is here now stays: to look through it for garbage stops the loop for a long moment.
        gc.freeze()

    async def _finish(self) -> None:
        for work_beside in self._beside:
            await cease(work_beside)
        await self.running.finish()
        with suppress(StoreUnavailable):
            # Without Redis there is nobody to take leave of; it will be missed for a while.
            await self._lived_in().tallies.flush()
            await self._lived_in().heartbeat.take_leave()

    async def _close(self) -> None:
        if self._opened:
            await self._opened.__aexit__(None, None, None)

    def _lived_in(self) -> WorkerHouse:
        if self._house is None:
            raise AssertionError("the house is opened before any ring is answered")
        return self._house

    def _loop(self) -> EventLoopThread:
        thread = get_event_loop_thread()
        if thread is None:
            raise AssertionError("Loop stands before this middleware and has started the loop")
        return thread


def work(settings: Settings, threads: int) -> None:
    """Be one worker process, until SIGTERM or SIGINT; then finish what is in flight."""
    with recording(settings, "worker"):
        _work(settings, threads)


def _work(settings: Settings, threads: int) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    residence = Residence(settings, name)
    broker = open_broker(
        open_broker_redis(locate(settings)), busy=lambda: residence.running.under_way
    )
    broker.add_middleware(Loop())
    broker.add_middleware(residence)
    declare(broker, residence)
    worker = Worker(broker, worker_threads=threads, worker_timeout=IDLE_MS)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        worker.start()
    except NotOpened as unopened:
        raise unopened.__cause__ or unopened from None
    log.info("worker.started", name=name, threads=threads)
    ended.wait()
    broker.leave()
    worker.stop()
    log.info("worker.ended", name=name)
