"""What is wrong with a file, or with one record of it."""

from dataclasses import dataclass


class FileFault(Exception):
    """A file that cannot be read, or not beyond a place; `line` counts from 1."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be read; the ones after it can."""

    line: int
    reason: str
    field: str = ""
