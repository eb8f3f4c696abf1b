"""What SOURCES.md shows can be saved as it stands, and it names all that can be said."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from hub.sources.settings import (
    READ,
    Auth,
    BucketSource,
    CsvSource,
    Cursor,
    Paging,
    PollSource,
    Signature,
    WebhookSource,
)

WRITTEN = (Path(__file__).parents[3] / "SOURCES.md").read_text()
EXAMPLES = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", WRITTEN, re.DOTALL)]
PARTS: list[type[BaseModel]] = [WebhookSource, PollSource, CsvSource, BucketSource]
PARTS += [Signature, Auth, Paging, Cursor]
OWN_WORDS = {"type", "scheme", "kind"}
REST = {"headers", "idHeader", "accessKeyId"}
"""What is left to `/docs`."""


@pytest.mark.parametrize("example", EXAMPLES, ids=[one["name"] for one in EXAMPLES])
def test_an_example_is_a_source(example: dict[str, object]) -> None:
    assert READ.validate_python(example).name == example["name"]


def test_every_kind_has_an_example() -> None:
    assert {one["kind"] for one in EXAMPLES} == {"webhook", "poll", "csv", "bucket"}


def test_all_that_can_be_said_is_named() -> None:
    names = {field.alias or "" for part in PARTS for field in part.model_fields.values()}
    unsaid = {name for name in names - REST if name not in WRITTEN}
    assert unsaid == set()
