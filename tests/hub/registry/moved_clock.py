"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta


class MovedClock:
    """Tells the time it was given."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 8, 30, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
