"""The OpenAPI document against the running hub: no bug shows, and no answer is undocumented.

schemathesis makes requests from the document, sound ones and others, and holds each answer against
what is documented. Its seed is fixed, so that each run asks the same.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.conformance.learning_hub import LearningHub, callers, running_web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 20
UNREADY = "/readyz"
"""Answers 503 here by design: no worker runs."""


async def test_no_answer_is_a_bug_or_undocumented(tmp_path: Path) -> None:
    async with running_web(tmp_path, None) as stack, callers(stack) as hub:
        await hub.subscribe()
        name_what_is_there(tmp_path / "schemathesis.toml", hub, await hub.publish())
        user_id, api_key = stack.key
        asking = await asyncio.create_subprocess_exec(
            *(Path(sys.executable).with_name("schemathesis"), "run"),
            f"{stack.client.base_url}/openapi.json",
            *("--checks", ",".join(CHECKS), "--exclude-path", UNREADY),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--workers", "2"),
            *("--phases", "fuzzing", "--no-color", "--auth", f"{user_id}:{api_key}"),
            cwd=tmp_path,
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await asking.communicate()

    assert asking.returncode == 0, said.decode()[-20_000:]


def name_what_is_there(config: Path, hub: LearningHub, event_id: str) -> None:
    """Let the requests be about what exists, so that they get further than a 404."""
    names = {
        "program_id": hub.programs.subscriber,
        "publisher_id": hub.programs.publisher,
        "event_id": event_id,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in names.items()]
    config.write_text("\n".join(["[parameters]", *lines, ""]))
