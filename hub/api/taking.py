"""Handing statements to delivery, whose knowledge of an integration may lag behind SQL."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from delivery.errors import StoreUnavailable, UnknownIntegration
from delivery.intake import Taken
from delivery.integration import IntegrationId
from delivery.statement import Statement
from hub.api.house import House

PATIENCE = timedelta(seconds=1.8)


async def take_in(
    house: House, integration_id: IntegrationId, statements: Sequence[Statement]
) -> Taken:
    """Hand statements to delivery; tell it of the integration first, where it has not heard of it.

    That happens when Redis was emptied, or was away when the integration was made.
    """
    try:
        return await house.intake.accept(integration_id, statements)
    except UnknownIntegration:
        house.known.forget(integration_id)
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await _introduce(house, integration_id, statements)
    except TimeoutError as error:
        raise StoreUnavailable("a store did not answer in time") from error


async def _introduce(
    house: House, integration_id: IntegrationId, statements: Sequence[Statement]
) -> Taken:
    integration = await house.integrations.find(integration_id)
    if integration is None:
        raise UnknownIntegration(f"no integration {integration_id}")
    await house.control.apply(integration)
    return await house.intake.accept(integration_id, statements)
