"""Times as people type them: a moment, a day, or how long ago."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from config import clock

AGO = re.compile(r"(\d{1,6})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment_of(text: str) -> datetime:
    """Read `2026-03-02T09:00`, `2026-03-02`, or `90m`: so long ago. Without a zone, yours."""
    ago = AGO.fullmatch(text)
    if ago:
        return clock.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time: write 2026-03-02T09:00Z, 2026-03-02, or 90m (s, m, h, d) ago"
        ) from None


HELP = "A time such as 2026-03-02T09:00Z (without a zone, yours), or how long ago, such as 90m."
Since = Annotated[
    datetime | None,
    typer.Option(parser=moment_of, metavar="TIME", help=f"Not before. {HELP}"),
]
Until = Annotated[
    datetime | None, typer.Option(parser=moment_of, metavar="TIME", help=f"Before. {HELP}")
]


def written(at: datetime | None) -> str | None:
    """Write a time as the API reads it."""
    return None if at is None else at.isoformat()
