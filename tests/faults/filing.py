"""Sources and files of a running house: made, sent, and waited for."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.faults.stack import PATIENCE, PROGRAM, Stack
from tests.waiting import until

ROADS = {"arrays": (50, 1)}
COURSE = "https://acme.example/courses/first-aid"
COLUMNS = "email,course_uri,completed_at"


def rows(first: int, count: int) -> str:
    """Give so many rows of completions, each of another learner."""
    return "".join(
        f"learner{number}@example.org,{COURSE},2026-03-02T09:{number % 60:02}:00Z\n"
        for number in range(first, first + count)
    )


async def make(stack: Stack, **fields: object) -> dict[str, Any]:
    """Make a source; give it as it is shown."""
    made = await stack.client.post(
        f"/api/programs/{PROGRAM}/sources", json={"name": "From there", **fields}
    )
    assert made.status_code == httpx.codes.CREATED, made.text
    shown: dict[str, Any] = made.json()
    return shown


async def files(stack: Stack, source_id: str) -> list[dict[str, Any]]:
    """Give what has landed, newest first."""
    listed = await stack.client.get(f"/api/sources/{source_id}/files")
    found: list[dict[str, Any]] = listed.raise_for_status().json()["items"]
    return found


async def upload(stack: Stack, source_id: str, content: bytes) -> httpx.Response:
    """Upload a file."""
    return await stack.client.post(
        f"/api/sources/{source_id}/files", content=content, params={"name": "rows.csv"}
    )


async def ended(stack: Stack, source_id: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait until so many files have landed and all have ended; give them, newest first."""

    async def have_ended() -> bool:
        found = await files(stack, source_id)
        return len(found) >= count and all(one["endedAt"] for one in found)

    await until(have_ended, within=PATIENCE, what="the end of the files")
    return await files(stack, source_id)


async def delivered(stack: Stack, count: int) -> list[Mapping[str, Any]]:
    """Wait until so many statements are in the LRS, and nothing is left to come; give them."""
    await until(lambda: stack.sandbox.lrs.held >= count, within=PATIENCE, what="delivery")
    await until(stack.is_empty, within=PATIENCE, what="an empty queue")
    assert stack.sandbox.lrs.held == count
    lrs = stack.sandbox.lrs
    return [json.loads(lrs.body(one) or b"") for one in lrs.ids()]
