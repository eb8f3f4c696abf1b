"""When the next probe goes."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery.facts.status import next_probe

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pause", "asked", "waits"),
    [
        (60, None, 60),
        (60, 0, 60),
        (60, 59, 60),
        (60, 61, 61),
        (60, 3600, 3600),
        (60, 3601, 3600),
        (60, 10**9, 3600),
        (7200, None, 7200),
        (7200, 60, 7200),
        (7200, 10_000, 7200),
        (1, 5, 5),
    ],
)
def test_a_probe_waits_for_the_pause_or_as_asked_within_an_hour(
    pause: int, asked: int | None, waits: int
) -> None:
    retry_after = None if asked is None else timedelta(seconds=asked)

    at = next_probe(NOW, pause=timedelta(seconds=pause), retry_after=retry_after)

    assert at == NOW + timedelta(seconds=waits)
