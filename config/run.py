"""`hub run`: the whole house in one command, from the embedded server to the workers.

Order up: valkey (unless `HUB_REDIS_URL` is set), migrations, web (and the demo's sandbox), workers.
Down in reverse: workers first, with time to finish what they have in flight, the store last.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx

from config.listening import listen
from config.settings import Settings
from config.supervisor import Command, Errand, Member, Supervisor
from config.valkey import EmbeddedValkey

WORKER_DRAIN = timedelta(seconds=60)
WEB_DRAIN = timedelta(seconds=20)


class Signals:
    """What the person at the terminal, or the init system, wants: once is stop, twice at once."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        """Hear SIGINT, SIGTERM, and the closing of the terminal."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sign, self._heard)

    def _heard(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()


async def run(settings: Settings) -> None:
    """Run everything until a signal; raise ConfigError if it does not come up."""
    signals = Signals()
    signals.listen()
    check_address(settings)
    ranks = house(settings, environ=os.environ)
    await Supervisor(ranks).run(stop=signals.stop, hurry=signals.hurry)


async def run_workers(processes: int, threads: int) -> None:
    """Run some worker processes and nothing else, until a signal."""
    signals = Signals()
    signals.listen()
    crew = [worker(number, threads, environ=os.environ) for number in range(1, processes + 1)]
    await Supervisor([crew]).run(stop=signals.stop, hurry=signals.hurry)


def house(
    settings: Settings, *, environ: Mapping[str, str], extra: Member | None = None
) -> list[list[Member]]:
    """List who is needed, rank by rank. `extra` comes up beside web."""
    store: list[Member] = [EmbeddedValkey(settings.data_dir / "valkey")]
    return [
        store if settings.redis_url is None else [],
        [Errand("migrate", [*hub(), "migrate"], environ)],
        [
            *([] if extra is None else [extra]),
            Command(
                "web",
                [*hub(), "web"],
                environ,
                is_ready=Answers(f"{near(settings)}/healthz"),
                drains_within=WEB_DRAIN,
            ),
        ],
        [
            worker(number, settings.worker_threads, environ=environ, near=near(settings))
            for number in range(1, settings.worker_processes + 1)
        ],
    ]


def worker(
    number: int, threads: int, *, environ: Mapping[str, str], near: str | None = None
) -> Command:
    """Describe one worker process; with a web process `near`, it is ready when that hears it."""
    return Command(
        f"worker-{number}",
        [*hub(), "worker", "--processes", "1", "--threads", str(threads)],
        environ,
        is_ready=Answers(f"{near}/readyz") if near else None,
        drains_within=WORKER_DRAIN,
    )


class Answers:
    """Asks whether an address answers 200."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self) -> bool:
        """Ask once."""
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=2, trust_env=False, verify=False) as client:  # noqa: S501 - loopback, without TLS
                return (await client.get(self._url)).status_code == httpx.codes.OK
        return False


def near(settings: Settings) -> str:
    """Say where web is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def hub() -> list[str]:
    """Say how a command of ours is started, so that `hub web` can be seen in the process list."""
    script = Path(sys.executable).with_name("hub")
    return [str(script)] if script.exists() else [sys.executable, "-m", "config.cli"]


def check_address(settings: Settings) -> None:
    """Raise AddressInUse if somebody listens where web should.

    Web would notice too, but later; and whoever sits there could pass for web being ready.
    """
    listen(settings.host, settings.port).close()
