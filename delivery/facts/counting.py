"""Counting what happens, as those who let it happen need it."""

from datetime import timedelta
from typing import Protocol


class Counting(Protocol):
    """Counts occurrences and lengths of time by name and labels."""

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Count that something happened."""
        ...

    def time(self, name: str, *labels: str, took: timedelta) -> None:
        """Count that something happened, and how long it took."""
        ...


class Uncounted:
    """Counts nothing: for whoever is not asked for numbers."""

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Do nothing."""

    def time(self, name: str, *labels: str, took: timedelta) -> None:
        """Do nothing."""
