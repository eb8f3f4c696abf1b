"""Keeps delivery's picture of the integrations true: ends deletions, repeats what was unheard.

The registry commits first and tells delivery then. A process that dies between the two leaves a
difference, which the sweep finds here within a minute. A registry that was restored from a backup
is behind what delivery has heard; it is the truth all the same, and is put past that.
"""

from contextlib import suppress

import structlog

from delivery.control import Control
from delivery.facts.errors import UnknownIntegration
from delivery.facts.integration import IntegrationId
from delivery.facts.status import Heard
from hub.registry.parties.integrations import IntegrationMark, IntegrationRegistry

log = structlog.get_logger()


class Upkeep:
    """Compares registry and delivery, and mends what differs."""

    def __init__(self, integrations: IntegrationRegistry, control: Control) -> None:
        self._integrations = integrations
        self._control = control

    async def delete(self, integration_id: IntegrationId, *, discard: bool, by: str) -> int:
        """Delete an integration with what it holds; give how many statements that were.

        Raises StatementsWaiting and changes nothing if there are some and `discard` is not said.
        Delivery decides, in one step, and takes nothing in from then on. A process that dies
        before the mark leaves an empty integration, one that dies after it leaves the rest to the
        sweep.
        """
        count = await self._control.remove(integration_id, discard=discard)
        await self._integrations.mark_deleting(integration_id, by=by)
        await self._forget(integration_id, by=by)
        return count

    async def reconcile(self) -> int:
        """Tell delivery of every integration it has not heard of rightly; give how many."""
        mended, cursor = 0, None
        while True:
            page = await self._integrations.list_all(cursor=cursor)
            heard = await self._control.heard([mark.id for mark in page.items])
            for mark in page.items:
                known = heard[mark.id]
                if mark.deleting or known is None or known.revision != mark.revision:
                    await self._mend(mark, known)
                    mended += 1
            cursor = page.next
            if cursor is None:
                return mended

    async def _mend(self, mark: IntegrationMark, heard: Heard | None) -> None:
        log.info("integration.reconciled", integration=mark.id, deleting=mark.deleting)
        if mark.deleting:
            await self._control.remove(mark.id, discard=True)
            await self._forget(mark.id, by="hub")
            return
        if heard and heard.revision > mark.revision:
            # Restored from a backup, or changed just now: raising looks again, under its lock.
            await self._integrations.raise_past(mark.id, heard)
        integration = await self._integrations.find(mark.id)
        if integration is not None:
            await self._control.apply(integration)

    async def _forget(self, integration_id: IntegrationId, *, by: str) -> None:
        # The sweep of another process and the one who deletes may meet: either may be the last.
        with suppress(UnknownIntegration):
            await self._integrations.remove(integration_id, by=by)
