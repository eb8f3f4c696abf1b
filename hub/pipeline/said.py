"""What is said of a source, read from the registry as it was checked when it was saved."""

from collections.abc import Mapping
from typing import TypeVar

from hub.registry.pipeline.sources import SourceRecord
from hub.sources.hidden import put_back
from hub.sources.settings import READ, AnySource

T = TypeVar("T", bound=AnySource)


def said_of(source: SourceRecord, secrets: Mapping[str, str]) -> AnySource:
    """Give the settings of a source, whole."""
    return READ.validate_python(put_back(source.settings, secrets) | {"kind": source.kind.value})


def said_as(kind: type[T], source: SourceRecord, secrets: Mapping[str, str]) -> T:
    """Give the settings of a source of which the kind is known."""
    said = said_of(source, secrets)
    if isinstance(said, kind):
        return said
    raise AssertionError(f"source {source.id} is {source.kind}, not {kind.__name__}")
