"""Traces: one from the upstream's request, through queue and attempt, to the LRS.

The one door to OpenTelemetry's interface. Who records spans, and where they go, is decided when a
process starts; while nobody does, the context that an upstream sends still travels with its
statements and arrives at the LRS (W3C Trace Context, `traceparent`).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, ProxyTracerProvider, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from delivery.facts.outcome import Answer, Reply

HEADER = "traceparent"
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
MOST_LINKS = 128

_W3C = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("learning-hub")


@dataclass(frozen=True, slots=True)
class TracedAttempt:
    """One request to an LRS, as its trace sees it."""

    traceparent: str
    """What the request carries; empty if it belongs to no trace."""
    span: Span | None = None

    def note(self, reply: Reply) -> None:
        """Say how it ended."""
        if self.span is None:
            return
        match reply:
            case Answer(status=status):
                self.span.set_attribute("http.response.status_code", status)
                if status >= 400:
                    self.span.set_status(Status(StatusCode.ERROR))
            case _:
                self.span.set_attribute("error.type", reply.failure.value)
                self.span.set_status(Status(StatusCode.ERROR, reply.detail))


def current() -> str:
    """Give the traceparent of what is going on now; empty if it belongs to no trace."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(HEADER, "")


@contextmanager
def following(traceparent: str) -> Iterator[None]:
    """Let what goes on within belong to this trace, unless it belongs to one already."""
    traced = trace.get_current_span().get_span_context().is_valid
    if traced or not TRACEPARENT.fullmatch(traceparent):
        yield
        return
    token = context.attach(_read(traceparent))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def attempt(integration_id: str, traceparents: Sequence[str]) -> Iterator[TracedAttempt]:
    """Trace one request to an LRS, which carries statements of these traces.

    Statements of one trace make the attempt a part of it; to several it is linked.
    """
    traces = list(dict.fromkeys(filter(None, traceparents)))
    alone = traces[0] if len(traces) == 1 else ""
    if isinstance(trace.get_tracer_provider(), ProxyTracerProvider):
        yield TracedAttempt(alone)
        return
    linked = (trace.get_current_span(_read(one)).get_span_context() for one in traces[:MOST_LINKS])
    with _tracer.start_as_current_span(
        "attempt",
        _read(alone) if alone else Context(),
        kind=SpanKind.CLIENT,
        links=() if alone else [Link(one) for one in linked],
        attributes={"hub.integration": integration_id, "hub.statements": len(traceparents)},
    ) as span:
        yield TracedAttempt(current(), span)


def _read(traceparent: str) -> Context:
    return _W3C.extract({HEADER: traceparent}, Context())
