"""A stand-in for an OpenTelemetry collector: takes spans over HTTP, as OTLP writes them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.fakes.http_server import HttpServer, http_server, says


@dataclass(frozen=True, slots=True)
class Recorded:
    """A span that arrived."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector on loopback."""

    server: HttpServer

    @property
    def url(self) -> str:
        """What HUB_OTLP_ENDPOINT is set to."""
        return self.server.url("").rstrip("/")

    def spans(self, name: str | None = None) -> list[Recorded]:
        """Give the spans, those of one name or all, as they arrived."""
        found = [span for received in self.server.requests for span in _read(received.body)]
        return [span for span in found if name in {None, span.name}]


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Run a collector on a free port."""
    async with http_server(says(200)) as server:
        yield Collector(server)


def _read(body: bytes) -> Iterator[Recorded]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        named = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Recorded(
                    service=named["service.name"],
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    links=tuple(link.trace_id.hex() for link in span.links),
                    attributes={
                        one.key: one.value.string_value or one.value.int_value
                        for one in span.attributes
                    },
                )
