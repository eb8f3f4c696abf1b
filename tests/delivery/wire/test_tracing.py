"""Traces, while nobody records them: what an upstream sends travels on, and nothing else does."""

import pytest

from delivery.wire import tracing

ONE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def test_what_goes_on_belongs_to_no_trace_by_itself() -> None:
    assert tracing.current() == ""


def test_what_follows_a_request_belongs_to_its_trace() -> None:
    with tracing.following(ONE):
        assert tracing.current() == ONE
        with tracing.following(OTHER):
            assert tracing.current() == ONE

    assert tracing.current() == ""


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        ONE.upper(),
        ONE + "-extra",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ONE + "\r\nX-Injected: 1",
    ],
)
def test_a_header_that_names_no_trace_is_left_alone(header: str) -> None:
    with tracing.following(header):
        assert tracing.current() == ""


@pytest.mark.parametrize(
    ("traceparents", "carried"),
    [([], ""), ([""], ""), ([ONE], ONE), ([ONE, "", ONE], ONE), ([ONE, OTHER], "")],
)
def test_an_attempt_carries_the_trace_that_all_its_statements_share(
    traceparents: list[str], carried: str
) -> None:
    with tracing.attempt("an-integration", traceparents) as attempt:
        assert attempt.traceparent == carried
