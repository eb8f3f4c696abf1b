"""Whether this process lives, whether the hub can work, and its numbers. No key is asked for."""

import asyncio
from datetime import timedelta

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from delivery.facts.errors import StoreUnavailable
from hub.api.house import Check, House, HouseOf
from hub.errors import RegistryUnavailable

PATIENCE = timedelta(seconds=1.5)
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

log = structlog.get_logger()
router = APIRouter(tags=["Health"])


@router.get("/healthz", response_class=PlainTextResponse)
async def is_alive() -> str:
    """Answer while the process lives."""
    return "alive"


@router.get("/readyz", responses={503: {"description": "Something is missing; says what"}})
async def is_ready(house: HouseOf) -> JSONResponse:
    """Answer 200 when all that is needed is there, else 503 with what is missing.

    `warnings` are of what will be missing if nobody looks after it.
    """
    words = await asyncio.gather(*(_look(name, check) for name, check in house.checks.items()))
    missing = {name: word for name, word in zip(house.checks, words, strict=True) if word}
    told = {"ready": not missing, "missing": missing, "warnings": await _warnings(house)}
    return JSONResponse(told, 503 if missing else 200)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(house: HouseOf) -> Response:
    """Give all numbers in Prometheus' text format."""
    return Response(await house.metrics(), media_type=PROMETHEUS)


async def _warnings(house: House) -> list[dict[str, str]]:
    if house.warnings is None:
        return []
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            found = await house.warnings()
    except (TimeoutError, StoreUnavailable) as error:
        log.warning("check.failed", check="warnings", error=str(error))
        return []
    return [{"about": one.about, "text": one.text, "remedy": one.remedy} for one in found]


async def _look(name: str, check: Check) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await check()
    except TimeoutError:
        return "does not answer"
    except (RegistryUnavailable, StoreUnavailable) as error:
        log.warning("check.failed", check=name, error=str(error))
        return "cannot be reached"
