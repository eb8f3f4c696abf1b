"""What is wrong with delivery, told from what workers say of themselves."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from delivery.facts.integration import IntegrationId
from delivery.facts.server import Server, read_server
from delivery.facts.vital_signs import Sign, Signs, complaints
from tests.fakes.clock import FakeClock

NOW = FakeClock()()
FINE = Server(10, 100, keeps_log=True, last_write_ok=True, answered_in=timedelta())
ONE = Sign("one", "host-1", "1.0", NOW, timedelta(), 3, timedelta(seconds=1))


def signs(*workers: Sign, server: Server = FINE, overdue: int = 0, stalled: int = 0) -> Signs:
    names = [IntegrationId(f"of-{n}") for n in range(stalled)]
    return Signs(NOW, workers, overdue, names, server)


def aged(**since: float) -> Sign:
    return replace(ONE, at=NOW - timedelta(**since))


def stuck(name: str) -> Sign:
    return replace(ONE, name=name, oldest_drain=timedelta(minutes=6))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (signs(ONE), []),
        (signs(), [("worker", True, "ever beaten")]),
        (signs(aged(seconds=11)), [("worker", True, "no worker for 11 s")]),
        (
            signs(ONE, replace(aged(seconds=40), name="two")),
            [("worker", False, "two fell silent 40 s ago")],
        ),
        (signs(ONE, replace(aged(minutes=11), name="two")), []),
        (signs(stuck("one")), [("worker", True, "has not ended for 360 s")]),
        (signs(ONE, stuck("two")), [("worker", False, "two lives")]),
        (
            signs(replace(ONE, skew=timedelta(seconds=-3))),
            [("clock", False, "host-1 is -3.0 s from that of Redis")],
        ),
        (
            signs(ONE, replace(ONE, name="two", release="1.1")),
            [("release", False, "1.0, 1.1 side by side")],
        ),
        (signs(ONE, overdue=7), [("progress", True, "7 integrations are due")]),
        (signs(ONE, stalled=7), [("progress", False, "of-4 and 2 more")]),
        (
            signs(ONE, server=replace(FINE, keeps_log=False)),
            [("redis", False, "appendonly is off")],
        ),
        (
            signs(ONE, server=replace(FINE, last_write_ok=False)),
            [("redis", True, "could not write")],
        ),
        (signs(ONE, server=replace(FINE, memory_bytes=85)), [("memory", False, "85%")]),
        (
            signs(ONE, server=replace(FINE, memory_bytes=95)),
            [("memory", False, "95% of its memory; intake is refused")],
        ),
        (signs(ONE, server=replace(FINE, memory_bytes=95, memory_limit_bytes=0)), []),
    ],
)
def test_what_is_wrong_is_told(found: Signs, told: Sequence[tuple[str, bool, str]]) -> None:
    said = complaints(found)

    assert [(one.about, one.grave) for one in said] == [(about, grave) for about, grave, _ in told]
    for one, (_, _, words) in zip(said, told, strict=True):
        assert words in one.text
        assert one.remedy


def test_what_keeps_delivery_from_going_on_comes_first() -> None:
    said = complaints(
        signs(
            replace(ONE, skew=timedelta(seconds=9)),
            overdue=1,
            server=replace(FINE, keeps_log=False),
        )
    )

    assert [one.grave for one in said] == [True, False, False]


def test_a_sign_is_read_as_it_was_written() -> None:
    sign = replace(ONE, skew=timedelta(milliseconds=-1500), oldest_drain=timedelta(seconds=7))

    assert Sign.read(sign.write()) == sign


def test_a_sign_of_another_release_may_say_more_or_less() -> None:
    sign = Sign.read(b'{"name": "one", "at": 0, "mood": "good"}')

    assert (sign.host, sign.release, sign.drains) == ("unknown", "unknown", 0)


def test_a_server_that_tells_little_is_taken_at_its_word() -> None:
    server = read_server({"used_memory": 5, "aof_enabled": 1}, timedelta())

    assert (server.memory_share, server.keeps_log, server.last_write_ok) == (0, True, True)
