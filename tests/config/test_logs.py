import io
import json
import logging
import warnings

import pytest
import structlog

from config import logs
from config.settings import Settings
from delivery.wire import tracing

pytestmark = pytest.mark.usefixtures("restored")


def configured(**chosen: str) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(Settings.model_validate(chosen), stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_the_libraries_have_one_form() -> None:
    stream = configured()

    structlog.get_logger("delivery.drain").info("attempt.ended", integration="i1", status=503)
    logging.getLogger("dramatiq.worker").warning("restarting %s", "consumer")

    ours, theirs = lines(stream)
    assert ours["event"] == "attempt.ended"
    assert ours["status"] == 503
    assert theirs["event"] == "restarting consumer"
    assert set(theirs) == {"event", "level", "logger", "timestamp"}
    assert set(theirs) < set(ours)


def test_what_looks_like_a_secret_is_masked_at_any_depth() -> None:
    stream = configured()

    structlog.get_logger().info(
        "token.fetched",
        client_secret="hidden",
        answer={"access_token": "hidden", "expires_in": 5, "list": [{"password": "hidden"}]},
        url="redis://user:hidden@host/0",
        header="Authorization: Bearer hiddenhidden",
    )

    (line,) = lines(stream)
    assert "hidden" not in stream.getvalue()
    assert line["answer"] == {"access_token": "***", "expires_in": 5, "list": [{"password": "***"}]}
    assert line["url"] == "redis://***@host/0"


def test_a_trace_is_masked_too() -> None:
    stream = configured()

    try:
        int("redis://user:hidden@host")
    except ValueError:
        logging.getLogger("redis").exception("connection lost")

    assert "hidden" not in stream.getvalue()
    assert "ValueError" in str(lines(stream)[0]["exception"])


def test_a_line_names_the_trace_it_belongs_to() -> None:
    stream = configured()

    with tracing.following("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        structlog.get_logger().info("intake.accepted")

    (line,) = lines(stream)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_lines_below_the_level_are_left_out() -> None:
    stream = configured(log_level="warning")

    structlog.get_logger("a").info("heard.nothing")
    logging.getLogger("b").info("nor this")

    assert stream.getvalue() == ""


def test_the_console_form_is_for_people() -> None:
    stream = configured(log_format="console")

    structlog.get_logger("a").info("intake.accepted", statements=3)

    assert "intake.accepted" in stream.getvalue()
    assert "statements=3" in stream.getvalue()


def test_python_warnings_become_lines() -> None:
    stream = configured()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)

    assert "old ways" in stream.getvalue()
