"""Handing statements to delivery, whose knowledge of an integration may lag behind SQL."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from delivery.control import Control
from delivery.facts.errors import StoreUnavailable, UnknownIntegration
from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from delivery.intake import Taken
from hub.registry.parties.integrations import IntegrationRegistry

PATIENCE = timedelta(seconds=1.8)


class Intake(Protocol):
    """The front door of delivery."""

    async def accept(
        self, integration_id: IntegrationId, statements: Sequence[Statement]
    ) -> Taken: ...


class Taking:
    """The way of statements into delivery.

    `forget` is called with the id of an integration that delivery does not know, so that nobody
    goes on with what he remembers of it.
    """

    def __init__(
        self,
        intake: Intake,
        integrations: IntegrationRegistry,
        control: Control,
        *,
        forget: Callable[[IntegrationId], None] = lambda _: None,
    ) -> None:
        self._intake = intake
        self._integrations = integrations
        self._control = control
        self._forget = forget

    async def take_in(
        self, integration_id: IntegrationId, statements: Sequence[Statement]
    ) -> Taken:
        """Hand statements in; tell delivery of the integration first, if it has not heard of it.

        That happens when Redis was emptied, or was away when the integration was made. Raises what
        `Intake.accept` raises.
        """
        try:
            return await self._intake.accept(integration_id, statements)
        except UnknownIntegration:
            self._forget(integration_id)
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return await self._introduce(integration_id, statements)
        except TimeoutError as error:
            raise StoreUnavailable("a store did not answer in time") from error

    async def _introduce(
        self, integration_id: IntegrationId, statements: Sequence[Statement]
    ) -> Taken:
        integration = await self._integrations.find(integration_id)
        if integration is None:
            raise UnknownIntegration(f"no integration {integration_id}")
        await self._control.apply(integration)
        return await self._intake.accept(integration_id, statements)
