"""The time of day at which a program is synced by itself.

Clocks are put forward and back: a time that does not exist on some day is the first moment
after the gap; a time that comes twice is its first coming. So every day has one run.
"""

import datetime as dt
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Nightly:
    """A time of day in the place that `zone` names, as in the IANA database: Europe/Berlin.

    Raises ValueError when `at` is not naive and of whole minutes, or nobody knows the zone.
    """

    at: dt.time
    zone: str

    def __post_init__(self) -> None:
        if self.at.tzinfo is not None or self.at.replace(second=0, microsecond=0) != self.at:
            raise ValueError("A time of day is hours and minutes, such as 02:30.")
        known_zone(self.zone)

    def next_run(self, after: datetime) -> datetime:
        """Tell the first run later than `after`, in UTC."""
        return next_run(self.at, known_zone(self.zone), after)


def known_zone(name: str) -> ZoneInfo:
    """Find the zone of this name. Raises ValueError with the name."""
    try:
        return ZoneInfo(name)
    # ZoneInfo looks for files: a folder's name, or one too long, is an OSError of some kind.
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"There is no time zone {name!r}.") from error


def next_run(at: dt.time, zone: ZoneInfo, after: datetime) -> datetime:
    """Tell the first moment later than `after`, in UTC, at which it is `at` in this zone."""
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        run = _first_moment(datetime.combine(day, at), zone)
        if run > after:
            return run
        day += timedelta(days=1)


def _first_moment(local: datetime, zone: ZoneInfo) -> datetime:
    # No clock was ever put forward by more than a day, so this ends.
    while not _exists(local, zone):
        local += timedelta(minutes=1)
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _exists(local: datetime, zone: ZoneInfo) -> bool:
    there_and_back = local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there_and_back.replace(tzinfo=None, fold=0) == local
