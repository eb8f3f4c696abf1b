"""Refresh tokens that rotate: the newest is never lost, or the integration would be.

| key                | type   | content                                   | lifetime              |
|--------------------|--------|-------------------------------------------|-----------------------|
| `hub:{id}:rotated` | string | version, token that SQL could not take;   | until SQL has it,     |
|                    |        | sealed                                    | at most KEPT          |
"""

from dataclasses import replace
from datetime import timedelta

import orjson

from delivery.facts.integration import Credentials, Integration, Integrations
from delivery.stores.keys import Keys
from delivery.tokens.sealed import Sealed

KEPT = timedelta(days=30)


class RefreshTokens:
    """Knows the newest refresh token of an integration. The caller holds the right to fetch."""

    def __init__(self, sealed: Sealed, integrations: Integrations) -> None:
        self._sealed = sealed
        self._integrations = integrations

    async def newest(self, integration: Integration) -> Credentials:
        """Give the credentials with the refresh token as it is after all rotations."""
        if integration.credentials.refresh_token is None:
            return integration.credentials
        unsaved = await self._unsaved(integration)
        if unsaved:
            await self.keep(integration, unsaved)
            return replace(integration.credentials, refresh_token=unsaved)
        current = await self._integrations.find(integration.id)
        if current is None or current.version != integration.version:
            return integration.credentials
        return current.credentials

    async def keep(self, integration: Integration, refresh_token: str) -> None:
        """Save a rotated token where it belongs, or in Redis while that store is away.

        Raises what the store raised; the token is then saved at the next fetch.
        """
        try:
            await self._integrations.keep_refresh_token(integration, refresh_token)
        except BaseException:
            written = {"version": integration.version, "token": refresh_token}
            await self._sealed.set(
                Keys(integration.id).rotated, orjson.dumps(written).decode(), lifetime=KEPT
            )
            raise
        await self._sealed.forget(Keys(integration.id).rotated)

    async def _unsaved(self, integration: Integration) -> str | None:
        text = await self._sealed.get(Keys(integration.id).rotated)
        written = orjson.loads(text) if text else {}
        if written.get("version") != integration.version:
            return None
        return str(written["token"])
