"""`hub run --demo`: the house with a sandbox beside it, and the demo once all are up."""

import os

from config import clock, logs
from config.demo import Demo, remember
from config.demo_story import Story
from config.errors import DemoFailed
from config.run import Answers, Signals, check_address, house, hub
from config.settings import Settings, load
from config.supervisor import Command, Supervisor


async def run_demo(settings: Settings) -> None:
    """Run everything and the sandbox until a signal, and show a completion travel."""
    signals = Signals()
    signals.listen()
    check_address(settings)
    memory = remember(settings)
    environ = {**os.environ, **memory.environ(settings)}
    shown = load(environ)
    logs.configure(shown)
    sandbox = Command(
        "sandbox",
        [
            *hub(),
            "sandbox",
            "--port",
            str(memory.sandbox_port),
            "--smtp-port",
            str(memory.smtp_port),
        ],
        environ,
        is_ready=Answers(f"{memory.sandbox}/counts"),
    )
    story = Story.on_stdout(clock.now)

    async def show() -> None:
        try:
            await Demo(shown, memory, story).show()
        except DemoFailed as failed:
            story.failed(str(failed))

    await Supervisor(house(shown, environ=environ, extra=sandbox)).run(
        stop=signals.stop, hurry=signals.hurry, when_up=show
    )
