"""Health, numbers, the OpenAPI document, and problems of the framework."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from delivery.facts.errors import StoreUnavailable
from hub.api import health
from hub.api.app import build
from hub.api.house import Check, House
from hub.errors import RegistryUnavailable
from tests.hub.api.conftest import Hub, errors_of


async def ask(house: House, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(build(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        return await client.get(path)


async def fine() -> None:
    """Miss nothing."""


async def no_worker() -> str:
    return "no worker has been heard of for a minute"


async def no_redis() -> None:
    raise StoreUnavailable("away")


async def no_sql() -> None:
    raise RegistryUnavailable("away")


async def silent() -> None:
    await asyncio.Event().wait()


async def test_a_living_process_says_so(hub: Hub) -> None:
    assert (await hub.nobody.get("/healthz")).status_code == 200


async def test_metrics_are_prometheus_text(hub: Hub) -> None:
    answer = await hub.nobody.get("/metrics")

    assert answer.text == "hub_statements_queued 0\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_ready_when_nothing_is_missing(hub: Hub) -> None:
    answer = await ask(replace(hub.house, checks={"redis": fine}), "/readyz")

    assert (answer.status_code, answer.json()) == (
        200,
        {"ready": True, "missing": {}, "warnings": []},
    )


async def test_what_is_missing_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", timedelta(milliseconds=50))
    checks: dict[str, Check] = {
        "sql": no_sql, "redis": no_redis, "worker": no_worker, "mail": silent, "disk": fine,
    }  # fmt: skip

    answer = await ask(replace(hub.house, checks=checks), "/readyz")

    assert answer.status_code == 503
    assert answer.json()["missing"] == {
        "sql": "cannot be reached",
        "redis": "cannot be reached",
        "worker": "no worker has been heard of for a minute",
        "mail": "does not answer",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/programs/", 404),
        ("DELETE", "/healthz", 405),
        ("PUT", "/api/providers", 405),
    ],
)
async def test_the_frameworks_errors_are_problems_too(
    hub: Hub, method: str, path: str, status: int
) -> None:
    answer = await hub.system.request(method, path)

    assert answer.status_code == status
    errors_of(answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[" * 9_000, 400), (b"[]", 422), (b"null", 422), (b"", 422)],
    ids=["syntax", "deep", "array", "null", "empty"],
)
async def test_bad_bodies_of_other_routes_are_problems(hub: Hub, body: bytes, status: int) -> None:
    answer = await hub.system.post("/api/providers", content=body)

    assert answer.status_code == status
    errors_of(answer)


async def test_the_key_is_asked_for_before_the_body_is_read(hub: Hub) -> None:
    answer = await hub.nobody.post("/api/providers", content=b"{nope")

    assert answer.status_code == 401


async def test_sql_being_away_is_told_as_such(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise RegistryUnavailable("the password is s3cr3t")

    monkeypatch.setattr(type(hub.house.providers), "find", away)
    answer = await hub.system.get("/api/providers/lms")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "s3cr3t" not in answer.text
    errors_of(answer)


async def test_the_document_describes_all_roads(hub: Hub) -> None:
    document = (await hub.nobody.get("/openapi.json")).json()

    paths = document["paths"]
    assert paths["/api/integrations/{integration_id}/statements"].keys() == {"post"}
    assert paths["/xapi/{integration_id}/statements"].keys() == {"post", "put"}
    assert "/xapi/{integration_id}/about" in paths
    assert "requestBody" in paths["/api/programs/{program_id}/completions"]["post"]
    assert "security" not in paths["/healthz"]["get"]
    assert paths["/api/providers"]["get"]["security"]
    assert "/programs" not in paths


async def test_the_document_points_nowhere_that_is_not_there(hub: Hub) -> None:
    answer = await hub.nobody.get("/openapi.json")

    schemas = answer.json()["components"]["schemas"]
    pointed = {part.partition('"')[0] for part in answer.text.split("#/components/schemas/")[1:]}
    assert pointed <= schemas.keys()
    assert "#/$defs" not in answer.text
