"""`hub`: everything a person or a script does to the house from a terminal.

Only the answer goes to standard output; logs and faults go to standard error. A fault of the kind
people can mend is told in one line, without a trace, and ends with exit code 1 (2: wrong usage).
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from config.errors import ConfigError
from config.sandbox.errors import SandboxError
from delivery.facts.errors import DeliveryError
from hub.errors import HubError

# Loaded when they are asked for: `hub version` need not wait for SQL, HTTP and a web framework.
COMMANDS = {
    "run": "config.commands.run",
    "web": "config.commands.web",
    "worker": "config.commands.worker",
    "migrate": "config.commands.migrate",
    "sandbox": "config.commands.sandbox",
    "keys": "config.commands.keys",
    "integrations": "config.commands.integrations",
    "queue": "config.commands.queues",
    "parked": "config.commands.parked",
    "statements": "config.commands.statements",
    "sources": "config.commands.sources",
    "files": "config.commands.sources",
    "import": "config.commands.sources",
    "replay": "config.commands.replay",
    "operations": "config.commands.replay",
    "secrets": "config.commands.secret_keys",
    "sync": "config.commands.sync",
    "backup": "config.commands.backup",
    "restore": "config.commands.backup",
    "doctor": "config.commands.doctor",
    "version": "config.commands.version",
}


ANYWHERE = {"--url": "HUB_URL", "--api-key": "HUB_API_KEY"}
"""Options that may stand anywhere, and the settings that they are."""


def main() -> None:
    """Do what the command line says."""
    arguments, said = _taken_out(sys.argv[1:])
    os.environ.update(said)
    try:
        build(arguments)(arguments, prog_name="hub")
    except (ConfigError, HubError, DeliveryError, SandboxError) as fault:
        sys.stderr.write(f"hub: {fault}\n")
        raise SystemExit(1) from None


def build(arguments: Sequence[str]) -> typer.Typer:
    """Make the command line: the one command that is asked for, or all of them to choose from."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Learning Hub: what was accepted is delivered, in order, "
        "however long the other side is down.",
    )
    app.callback()(_together)
    asked = COMMANDS.get(next(iter(arguments), ""))
    for module in dict.fromkeys([asked] if asked else COMMANDS.values()):
        register: Callable[[typer.Typer], None] = import_module(module).register
        register(app)
    return app


def _together(
    *,
    url: Annotated[str | None, typer.Option(help="Another hub; else this machine's.")] = None,
    api_key: Annotated[str | None, typer.Option(help="A key to it; better as HUB_API_KEY.")] = None,
) -> None:
    """Keep Typer from taking a single command for the whole command line; tell of ANYWHERE."""


def _taken_out(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Give the arguments without those of ANYWHERE, and those as settings."""
    left: list[str] = []
    said: dict[str, str] = {}
    waiting = iter(arguments)
    for argument in waiting:
        name, is_there, value = argument.partition("=")
        if name in ANYWHERE and (is_there or (value := next(waiting, ""))):
            said[ANYWHERE[name]] = value
        else:
            left.append(argument)
    return left, said


if __name__ == "__main__":
    main()
