"""Log lines: one form for ours and for the libraries', always on standard error.

Our lines and those of uvicorn, dramatiq and SQLAlchemy go through the same processors, so that one
reader (a person on a terminal, a collector elsewhere) understands all of them. What looks like a
secret is masked on the way, as the last line of defence: nobody should hand one in.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.settings import Settings
from delivery.wire import tracing

MASK = "***"
SECRET_NAME = re.compile(
    r"secret|password|passwd|token|api_?key|authorization|credential|pepper|cookie|private_?key",
    re.IGNORECASE,
)
URL_PASSWORD = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*(?=@)")
AUTHORIZATION = re.compile(r"\b(Bearer|Basic|apikey)\s+[\w.~+/=-]{8,}", re.IGNORECASE)

# These say at INFO what our own lines say better, or once for every request.
CHATTY = ("aiosqlite", "alembic", "asyncio", "httpx", "httpcore", "mail.log", "uvicorn.access")


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), in the form settled on."""
    into = stream or sys.stderr
    output = logging.StreamHandler(into)
    output.setFormatter(_formatter(as_json=_as_json(settings, into)))
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(settings.log_level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace what looks like a secret, at any depth, by asterisks."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: object) -> object:
    match value:
        case str() | bytes() if SECRET_NAME.search(name):
            return MASK
        case str():
            return AUTHORIZATION.sub(rf"\1 {MASK}", URL_PASSWORD.sub(MASK, value))
        case Mapping():
            return {str(key): _masked(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [_masked(name, inner) for inner in value]
        case _:
            return value


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _name_trace,
    ]


def _name_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Say which trace a line belongs to, so that one is found from the other."""
    if traceparent := tracing.current():
        event["trace_id"] = traceparent.split("-")[1]
    return event


def _formatter(*, as_json: bool) -> structlog.stdlib.ProcessorFormatter:
    # A trace may quote a URL with a password in it: make text of it first, then mask.
    last: list[Processor] = [structlog.processors.format_exc_info, mask]
    render: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), _without_colour],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last, render],
    )


def _without_colour(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # uvicorn carries a second copy of its text, with terminal colours in it.
    event.pop("color_message", None)
    return event


def _as_json(settings: Settings, stream: TextIO) -> bool:
    if settings.log_format is None:
        return not stream.isatty()
    return settings.log_format == "json"
