"""Handing statements to delivery, whose knowledge of an integration may lag behind SQL."""

from collections.abc import Sequence

from delivery.errors import UnknownIntegration
from delivery.intake import Taken
from delivery.integration import IntegrationId
from delivery.statement import Statement
from hub.api.house import House


async def take_in(
    house: House, integration_id: IntegrationId, statements: Sequence[Statement]
) -> Taken:
    """Hand statements to delivery; tell it of the integration first, where it has not heard of it.

    That happens when Redis was emptied, or was away when the integration was made.
    """
    try:
        return await house.intake.accept(integration_id, statements)
    except UnknownIntegration:
        integration = await house.integrations.find(integration_id)
        if integration is None:
            house.known.forget(integration_id)
            raise
    await house.control.apply(integration)
    return await house.intake.accept(integration_id, statements)
