"""A clock that is moved by hand."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Shows the time it was set to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now

    def move(self, **length: float) -> None:
        """Move on."""
        self.now += timedelta(**length)
