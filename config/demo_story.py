"""The words of the demo: what happened, where everything is, and what to try next."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from rich.console import Console
from rich.text import Text

from config.settings import Settings

USER = "demo"
JSON = "-H 'Content-Type: application/json'"


@dataclass(slots=True)
class Story:
    """Tells the demo on standard output; without colours and signs when that is no terminal."""

    console: Console
    clock: Callable[[], datetime]
    began: datetime

    @classmethod
    def on_stdout(cls, clock: Callable[[], datetime]) -> "Story":
        """Tell it here, counting time from now."""
        return cls(Console(file=sys.stdout, highlight=False, soft_wrap=True), clock, clock())

    def begin(self, settings: Settings) -> None:
        """Say that the house is up."""
        store = "Redis" if settings.redis_url else "embedded Redis, every write on disk"
        self.console.print()
        self.console.print(Text(f"Learning Hub {version('learning-hub')}", style="bold"))
        self.console.print()
        self._step(f"up: {store}; SQL, web, {_count(settings.worker_processes, 'worker')}")

    def connected(self, program: str, integration_id: str, sandbox: str) -> None:
        """Say what was made, or found again."""
        self._step(f"program {program} has integration {integration_id} to the LRS at {sandbox}")

    def posted(self, statement_id: str) -> None:
        """Say that the completion was taken."""
        self._step("posted: Ada Lovelace completed the course On Engines")
        self._step(f"202 accepted, on disk, queued as statement {statement_id}")

    def resumed(self) -> None:
        """Say that the completion travelled when the demo was first started on this folder."""
        self._step("the completion of the first start is remembered, and not posted again")

    def delivered(self, accepted_at: datetime, delivered_at: datetime) -> None:
        """Say when it arrived."""
        took = (delivered_at - accepted_at) / timedelta(milliseconds=1)
        at = delivered_at.astimezone(UTC)
        self._step(f"delivered {at:%Y-%m-%d %H:%M:%S} UTC, {took:.0f} ms after it was accepted")

    def addresses(self, hub: str, sandbox: str, api_key: str) -> None:
        """Say where everything is."""
        self.console.print()
        for name, text in (
            ("API", f"{hub}/api  described at {hub}/docs"),
            ("Sandbox LRS", f"{sandbox}/"),
            ("Mailbox", f"{sandbox}/mailbox"),
            ("User, API key", f"{USER}, {api_key}"),
        ):
            self.console.print(Text.assemble((f"  {name:<15}", "bold"), text))

    def to_try(self, hub: str, sandbox: str, integration_id: str, api_key: str) -> None:
        """Say what to try: break it, post, look, mend it."""
        learner = '"learner": {"email": "grace@example.org"}'
        course = '"course": {"uri": "https://example.org/courses/compilers"}'
        completion = f'{{{learner}, {course}, "completedAt": "2026-01-31T12:00:00Z"}}'
        me = f"-u {USER}:{api_key}"
        for why, command in (
            ("break the LRS", f"""curl -s {sandbox}/control {JSON} -d '{{"statements": 503}}'"""),
            (
                "post a completion: it waits",
                f"curl -s {me} {hub}/api/programs/DEMO/completions {JSON} -d '{completion}'",
            ),
            ("look at the health", f"curl -s {me} {hub}/api/integrations/{integration_id}"),
            (
                "mend the LRS: within a minute it goes through",
                f"""curl -s {sandbox}/control {JSON} -d '{{"statements": "ok"}}'""",
            ),
        ):
            self.console.print()
            self.console.print(Text(f"  # {why}", style="dim"))
            self.console.print(Text(f"  {command}", style="cyan"))
        self.console.print()
        self.console.print(Text("Ctrl-C stops everything; what was accepted stays.", style="dim"))

    def failed(self, reason: str) -> None:
        """Say that the demo ended early; the house is up all the same."""
        self.console.print(Text(f"The demo could not go on: {reason}", style="red"))

    def _step(self, text: str) -> None:
        passed = (self.clock() - self.began).total_seconds()
        sign = "✓" if self.console.is_terminal else "-"
        self.console.print(
            Text.assemble((f"  {sign} ", "green"), (f"{passed:6.2f} s  ", "dim"), text)
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
