"""Traces through real processes: from the upstream's header to the header that the LRS receives."""

from pathlib import Path

import httpx
import pytest

from tests.fakes.collector import Collector, Recorded, collecting
from tests.faults.stack import Prepared, Stack, open_stack
from tests.waiting import until

pytestmark = pytest.mark.slow

TRACES = [f"{number:032x}" for number in (0xA1, 0xA2, 0xA3)]
PARENT = "b7ad6b7169203331"


async def test_a_trace_leads_from_the_upstream_through_the_queue_to_the_lrs(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with (
        collecting() as collector,
        open_stack(prepared, tmp_path, workers=1, otlp_endpoint=collector.url) as stack,
    ):
        await post(stack, "strict", TRACES[0])

        await until(lambda: bool(collector.spans("attempt")), within=30, what="a span")
        await until(lambda: len(server_spans(collector)) == 1, within=30, what="the upstream's")
        (attempt,), (upstream,) = collector.spans("attempt"), server_spans(collector)
        assert (upstream.service, upstream.trace_id, upstream.parent_id) == (
            "hub-web",
            TRACES[0],
            PARENT,
        )
        assert (attempt.service, attempt.trace_id, attempt.parent_id) == (
            "hub-worker",
            TRACES[0],
            upstream.span_id,
        )
        assert attempt.attributes["http.response.status_code"] == 200
        assert received(stack) == [f"00-{TRACES[0]}-{attempt.span_id}-01"]


async def test_a_request_with_statements_of_several_traces_is_linked_to_each(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with (
        collecting() as collector,
        open_stack(prepared, tmp_path, workers=1, otlp_endpoint=collector.url) as stack,
    ):
        stack.sandbox.change({"statements": 503})
        for trace_id in TRACES:
            await post(stack, "arrays", trace_id)
        stack.sandbox.change({"statements": "ok"})

        await until(lambda: bool(linked(collector)), within=60, what="a linked span")
        (attempt,) = linked(collector)
        assert set(attempt.links) <= set(TRACES)
        assert attempt.trace_id not in TRACES


async def test_without_a_collector_the_upstreams_own_context_arrives(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_stack(prepared, tmp_path, workers=1) as stack:
        await post(stack, "strict", TRACES[0])

        await until(lambda: bool(received(stack)), within=30, what="a request")
        assert received(stack) == [f"00-{TRACES[0]}-{PARENT}-01"]


async def post(stack: Stack, name: str, trace_id: str) -> None:
    """Hand a statement in, as part of a trace."""
    posted = await stack.client.post(
        f"/api/integrations/{stack.integrations[name]}/statements",
        json={
            "actor": {"mbox": "mailto:ann@example.org"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
            "object": {"id": "https://example.org/courses/1"},
        },
        headers={"traceparent": f"00-{trace_id}-{PARENT}-01"},
    )
    assert posted.status_code == httpx.codes.ACCEPTED, posted.text


def server_spans(collector: Collector) -> list[Recorded]:
    """Give the spans of the requests that handed statements in."""
    return [
        span for span in collector.spans() if span.service == "hub-web" and span.parent_id == PARENT
    ]


def linked(collector: Collector) -> list[Recorded]:
    """Give the attempts that carried statements of several traces."""
    return [span for span in collector.spans("attempt") if len(span.links) > 1]


def received(stack: Stack) -> list[str | None]:
    """Give the traces that the LRS was told of, oldest first."""
    return [entry.traceparent for entry in reversed(stack.sandbox.log.entries("statements"))]
