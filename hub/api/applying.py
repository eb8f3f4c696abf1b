"""Telling delivery what has just been committed, and asking it how things stand.

SQL is the truth of integrations. When Redis is away after a commit, the change stands; a sweep
tells delivery later, so the caller is not told that it failed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog

from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import IntegrationId
from delivery.facts.status import Brief, Health
from delivery.history import Hour
from hub.api.house import House

PATIENCE = timedelta(seconds=1.5)

Fact = TypeVar("Fact")

log = structlog.get_logger()


async def apply(house: House, ids: Sequence[IntegrationId]) -> None:
    """Tell delivery what these integrations are now."""
    for integration_id in ids:
        house.known.forget(integration_id)
        integration = await house.integrations.find(integration_id)
        if integration is None:
            continue
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await house.control.apply(integration)
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("integration.unapplied", integration=integration_id, error=str(error))
            return


async def health(house: House, ids: Sequence[IntegrationId]) -> Mapping[IntegrationId, Health]:
    """Ask how deliveries stand; nothing is known of any while Redis is away."""
    return await _asked(house.control.health, ids)


async def briefly(house: House, ids: Sequence[IntegrationId]) -> Mapping[IntegrationId, Brief]:
    """Ask of many how they stand, to choose some of them; nothing is known while Redis is away."""
    return await _asked(house.control.briefly, ids)


async def _asked(
    ask: Callable[[Sequence[IntegrationId]], Awaitable[Mapping[IntegrationId, Fact]]],
    ids: Sequence[IntegrationId],
) -> Mapping[IntegrationId, Fact]:
    if not ids:
        return {}
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await ask(ids)
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("health.unknown", error=str(error))
        return {}


async def activity_of(
    house: House, ids: Sequence[IntegrationId]
) -> Mapping[IntegrationId, Sequence[Hour]]:
    """Ask for the last 24 hours of deliveries; nothing is known of any while Redis is away."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await house.history.hours(ids)
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("activity.unknown", error=str(error))
        return {}
