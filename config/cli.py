"""`hub`: everything a person or a script does to the house from a terminal.

Only the answer goes to standard output; logs and faults go to standard error. A fault of the kind
people can mend is told in one line, without a trace, and ends with exit code 1 (2: wrong usage).
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import typer

from config.errors import ConfigError
from config.sandbox.errors import SandboxError
from delivery.errors import DeliveryError
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
    "queue": "config.commands.integrations",
    "parked": "config.commands.integrations",
    "sync": "config.commands.sync",
    "doctor": "config.commands.doctor",
    "version": "config.commands.version",
}


def main() -> None:
    """Do what the command line says."""
    try:
        build(sys.argv[1:])(prog_name="hub")
    except (ConfigError, HubError, DeliveryError, SandboxError) as fault:
        sys.stderr.write(f"hub: {fault}\n")
        raise SystemExit(1) from None


def build(arguments: Sequence[str]) -> typer.Typer:
    """Make the command line: the one command that is asked for, or all of them to choose from."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
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


def _together() -> None:
    """Keep Typer from taking a single command for the whole command line."""


if __name__ == "__main__":
    main()
