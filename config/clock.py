"""The one place that reads the clock; everybody else is handed `now`."""

from datetime import UTC, datetime


def now() -> datetime:
    """Say what time it is, aware and in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the clock that everybody else is handed
