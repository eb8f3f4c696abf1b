import datetime as dt
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.nightly import Nightly, next_run

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("at", "zone", "after", "expected"),
    [
        ("02:30", "UTC", "2026-01-05T02:29:59Z", "2026-01-05T02:30Z"),
        ("02:30", "UTC", "2026-01-05T02:30Z", "2026-01-06T02:30Z"),
        ("00:00", "UTC", "2026-12-31T23:59Z", "2027-01-01T00:00Z"),
        ("02:30", BERLIN, "2026-01-05T12:00Z", "2026-01-06T01:30Z"),
        ("02:30", BERLIN, "2026-07-05T12:00Z", "2026-07-06T00:30Z"),
        # Clocks go from 02:00 to 03:00 on 29 March: 02:30 is not, 03:00 is the next that is.
        ("02:30", BERLIN, "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("02:00", BERLIN, "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("03:00", BERLIN, "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("02:30", BERLIN, "2026-03-29T01:00Z", "2026-03-30T00:30Z"),
        # Clocks go from 03:00 back to 02:00 on 25 October: 02:30 comes twice and counts once.
        ("02:30", BERLIN, "2026-10-24T12:00Z", "2026-10-25T00:30Z"),
        ("02:30", BERLIN, "2026-10-25T00:30Z", "2026-10-26T01:30Z"),
        ("02:30", BERLIN, "2026-10-25T01:29Z", "2026-10-26T01:30Z"),
        ("02:30", NEW_YORK, "2026-03-07T12:00Z", "2026-03-08T07:00Z"),
        ("02:30", NEW_YORK, "2026-03-08T07:00Z", "2026-03-09T06:30Z"),
        ("01:30", NEW_YORK, "2026-10-31T12:00Z", "2026-11-01T05:30Z"),
        ("01:30", NEW_YORK, "2026-11-01T05:30Z", "2026-11-02T06:30Z"),
        # The day before and the day after, seen from the other side of the world.
        ("23:59", "Pacific/Kiritimati", "2026-01-05T09:58Z", "2026-01-05T09:59Z"),
        ("00:01", "Pacific/Pago_Pago", "2026-01-05T11:00Z", "2026-01-05T11:01Z"),
        # Samoa went over the date line: it had no 30 December 2011.
        ("02:30", "Pacific/Apia", "2011-12-29T12:30Z", "2011-12-30T10:00Z"),
    ],
)
def test_the_next_run_is_the_next_time_that_the_clock_there_shows_it(
    at: str, zone: str, after: str, expected: str
) -> None:
    nightly = Nightly(dt.time.fromisoformat(at), zone)

    assert nightly.next_run(datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:00", "02:15", "02:30", "03:00", "23:59"])
def test_every_day_of_a_year_has_one_run(at: str, zone: str) -> None:
    place = ZoneInfo(zone)
    day = dt.date(2026, 1, 1)
    run = datetime(2026, 1, 1, tzinfo=place).astimezone(UTC) - timedelta(seconds=1)

    for _ in range(365):
        run = next_run(dt.time.fromisoformat(at), place, run)

        assert run.astimezone(place).date() == day
        assert run.tzinfo is UTC
        day += timedelta(days=1)


@pytest.mark.parametrize("zone", ["", "Nowhere/Atlantis", "/etc/passwd", "Europe", "../x", "a\0b"])
def test_a_zone_that_nobody_knows_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="There is no time zone"):
        Nightly(dt.time(2, 30), zone)


@pytest.mark.parametrize("at", [dt.time(2, 30, 1), dt.time(2, 30, 0, 1), dt.time(2, tzinfo=UTC)])
def test_a_time_that_is_not_hours_and_minutes_is_refused(at: dt.time) -> None:
    with pytest.raises(ValueError, match="hours and minutes"):
        Nightly(at, "UTC")
