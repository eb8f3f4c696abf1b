"""Signed webhooks, each of which becomes one statement: what takes them, and who sends them."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from uuid import uuid4

import aiohttp
import httpx

from benchmarks.stage import PROGRAM, USER, Stage

SECRET = "a secret of the sender"  # noqa: S105
RECIPE = """
def hooks(record, context):
    return {
        "id": record.needed("id"),
        "actor": {"mbox": "mailto:" + record.needed("email")},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/attended"},
        "object": {"id": "https://acme.example/webinars/1"},
    }
"""


def teach(stage: Stage) -> None:
    """Write the recipe, before anything is started."""
    recipes = Path(stage.environ["HUB_DATA_DIR"]) / "recipes"
    recipes.mkdir()
    (recipes / "hooks.py").write_text(RECIPE)
    stage.environ["HUB_RECIPES_DIR"] = str(recipes)


async def make_source(stage: Stage, integrations: Sequence[str] | None = None) -> str:
    """Make a source of signed webhooks, for all integrations or some; give where they go."""
    async with httpx.AsyncClient(
        base_url=stage.web_url, auth=(USER, await stage.api_key()), trust_env=False
    ) as client:
        form = {
            "name": "Hooks",
            "kind": "webhook",
            "signature": "github",
            "secret": SECRET,
            "recipe": "hooks",
            "integrations": integrations or "all",
        }
        made = await client.post(f"/api/programs/{PROGRAM}/sources", json=form)
    return f"/hooks/{made.raise_for_status().json()['id']}"


async def post(
    stage: Stage, path: str, count: int, per_second: int
) -> tuple[list[float], dict[str, float]]:
    """Post webhooks at a steady rate; give the ms until each answer, and when each came, by id."""
    answered: list[float] = []
    accepted: dict[str, float] = {}
    # Not httpx: with many requests under way, it would be busier than what is measured.
    async with aiohttp.ClientSession(stage.web_url) as client:

        async def one() -> None:
            named = str(uuid4())
            body = json.dumps({"id": named, "email": f"{named}@example.org"}).encode()
            digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            headers = {
                "X-Hub-Signature-256": f"sha256={digest}",
                "X-GitHub-Delivery": named,
                "Content-Type": "application/json",
            }
            began = monotonic()
            async with client.post(path, data=body, headers=headers) as answer:
                await answer.read()
                accepted[named] = monotonic()
            answered.append((accepted[named] - began) * 1000)
            answer.raise_for_status()

        began = monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(one())
                await asyncio.sleep(max(0, began + (number + 1) / per_second - monotonic()))
    return answered, accepted
