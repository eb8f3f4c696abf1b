"""Where traces go: to an OpenTelemetry collector, when `HUB_OTLP_ENDPOINT` names one."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from config.settings import Settings

EXPORT_SECONDS = 10


@contextmanager
def recording(settings: Settings, process: str) -> Iterator[None]:
    """Record this process's spans while the block runs; `process` is `web` or `worker`.

    Spans are sent from a thread of their own. A collector that is away costs spans, never time.
    """
    if settings.otlp_endpoint is None:
        yield
        return
    named = {
        "service.namespace": "learning-hub",
        "service.name": f"hub-{process}",
        "service.version": version("learning-hub"),
    }
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
