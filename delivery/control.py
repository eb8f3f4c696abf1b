"""Front door: what people and programs may do to deliveries, and see of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.facts.doorbell import Doorbell, Work
from delivery.facts.errors import StatementsWaiting
from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.statement import StatementId
from delivery.facts.status import Brief, Health, Heard
from delivery.facts.times import Clock, length_ms, to_ms
from delivery.mails.alerts import Budget, Mail, MailRecords
from delivery.stores import scripts
from delivery.stores.archive import Archive
from delivery.stores.journal import Attempt, Journal, Mentions
from delivery.stores.keys import DUE, INTEGRATIONS, MAIL, Keys
from delivery.stores.parked import AT_ONCE, Parked, ParkedPage, ParkedStatements, Wanted
from delivery.stores.receipts import Receipt, Receipts
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from delivery.stores.waiting import Waiting, Waits
from delivery.stores.whereabouts import Searching, Whereabouts

FORGET = timedelta(0)
ANY = Wanted()
END_OF_TIME = "18446744073709551615-18446744073709551615"


@dataclass(frozen=True, slots=True)
class Control:
    """Steers deliveries, and tells about them."""

    store: Store
    states: StatusStore
    receipts: Receipts
    journal: Journal
    parked_statements: ParkedStatements
    mail_records: MailRecords
    doorbell: Doorbell
    clock: Clock
    receipt_age: timedelta
    archive_age: timedelta = timedelta(days=7)
    alert_interval: timedelta = timedelta(days=1)

    async def apply(self, integration: Integration) -> None:
        """Hear what an integration is now: after each commit of the registry. Safe to repeat.

        A raised version releases what was refused or parked; disabling holds everything.
        """
        if await self.states.apply(integration):
            self.doorbell.ring(Work.DRAIN, [integration.id])

    async def revisions(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, int | None]:
        """Give the revision that delivery last heard of, for each; None where it heard of none."""
        return await self.states.revisions(ids)

    async def heard(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, Heard | None]:
        """Give what delivery last heard of each; None where it heard of none."""
        return await self.states.heard(ids)

    async def remove(self, integration_id: IntegrationId, *, discard: bool) -> int:
        """Delete everything delivery holds for an integration; give how many statements that were.

        Raises StatementsWaiting when some wait and `discard` is not said; nothing changes then.
        May be repeated after a crash, and ends what the first call began.
        """
        keys = Keys(integration_id)
        held = await self.store.run(
            scripts.RETIRE,
            [keys.state, *keys.lanes(), keys.parked, DUE, MAIL, keys.lease],
            integration_id,
            int(discard),
        )
        count = held if isinstance(held, int) else 0
        if count and not discard:
            raise StatementsWaiting(count)
        for lane in (*keys.lanes(), keys.parked):
            await self._empty(keys, lane, END_OF_TIME, FORGET)
        (operations,) = await self.store.ask(("ZRANGE", keys.operations, 0, -1))
        known = [f"{keys.operation}{operation.decode()}" for operation in operations]
        await self.store.ask(
            ("DEL", *keys.lanes(), keys.parked, keys.tries, keys.journal),
            ("DEL", keys.ended, keys.archive, keys.operations, *known),
            ("DEL", keys.minutes, keys.hours, keys.quarters, keys.changes),
            ("DEL", keys.mails, keys.mail_lease, keys.token, keys.fetch, keys.rotated),
            ("SREM", INTEGRATIONS, integration_id),
        )
        return count

    async def health(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, Health]:
        """Tell how each integration's delivery stands."""
        return await self.states.health(ids)

    async def briefly(self, ids: Sequence[IntegrationId]) -> dict[IntegrationId, Brief]:
        """Tell of each integration as much as it takes to choose some of many."""
        return await self.states.briefly(ids)

    async def receipt(
        self, integration_id: IntegrationId, statement_id: StatementId
    ) -> Receipt | None:
        """Tell what became of a statement; None if it never came, or is forgotten by now."""
        return await self.receipts.find(integration_id, statement_id)

    async def receipts_in(
        self, ids: Sequence[IntegrationId], statement_id: StatementId
    ) -> list[Receipt | None]:
        """Tell what became of a statement at each of these integrations, in their order."""
        return await self.receipts.find_in(ids, statement_id)

    async def whereabouts(
        self, integration_id: IntegrationId, statement_id: StatementId
    ) -> Whereabouts | None:
        """Tell where a statement is, with its bytes if they are kept; None if it is unknown."""
        archive = Archive(self.store, self.clock, self.archive_age)
        searching = Searching(self.store, self.receipts, self.parked_statements, archive)
        return await searching.find(integration_id, statement_id)

    async def mentions(
        self, integration_id: IntegrationId, statement_id: StatementId, *, since: datetime
    ) -> Mentions:
        """Give the attempts with a statement that the journal still has, oldest first."""
        return await self.journal.mentions(integration_id, statement_id, since=since)

    async def attempts(
        self,
        integration_id: IntegrationId,
        *,
        outcome: str | None = None,
        status: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> tuple[list[Attempt], str | None]:
        """Give attempts, newest first, and the cursor of the next page."""

        def keep(attempt: Attempt) -> bool:
            return (
                (outcome is None or attempt.outcome == outcome)
                and (status is None or attempt.status == status)
                and _within(attempt.at, since, until)
            )

        return await self.journal.page(integration_id, keep=keep, limit=limit, before=before)

    async def attempt(self, integration_id: IntegrationId, place: str) -> Attempt | None:
        """Give one attempt by its place in the journal; None if it is not kept."""
        return await self.journal.find(integration_id, place)

    async def parked(
        self,
        integration_id: IntegrationId,
        wanted: Wanted = ANY,
        *,
        limit: int = 50,
        before: str | None = None,
    ) -> ParkedPage:
        """Give the parked statements that are wanted, newest first."""
        return await self.parked_statements.page(integration_id, wanted, limit=limit, before=before)

    async def waiting(
        self, integration_id: IntegrationId, *, limit: int, after: str = ""
    ) -> Sequence[Waits]:
        """Give what waits, in the order in which it is sent, behind the place `after`."""
        return await Waiting(self.store).page(integration_id, limit=limit, after=after)

    async def oldest_parked(
        self, integration_id: IntegrationId, *, limit: int, after: str | None = None
    ) -> Sequence[tuple[str, Parked]]:
        """Give parked statements behind a place, oldest first, each with its own."""
        return await self.parked_statements.oldest(integration_id, limit=limit, after=after)

    async def release(
        self, integration_id: IntegrationId, ids: Sequence[StatementId] | None
    ) -> int:
        """Let these parked statements (or all) be tried again; give how many."""
        count = await self.parked_statements.release(integration_id, ids)
        if count:
            self.doorbell.ring(Work.DRAIN, [integration_id])
        return count

    async def discard(
        self, integration_id: IntegrationId, ids: Sequence[StatementId] | None
    ) -> int:
        """Give these parked statements (or all) up for good; give how many."""
        return await self.parked_statements.discard(integration_id, ids)

    async def purge(self, integration_id: IntegrationId) -> int:
        """Throw away what waits in the queue now; give how many. Parked ones stay."""
        keys = Keys(integration_id)
        count = 0
        for lane in keys.lanes():
            last = await self.store.entries(lane, limit=1)
            if last:
                count += await self._empty(keys, lane, last[0][0], self.receipt_age)
        return count

    async def mails(self, integration_id: IntegrationId) -> list[Mail]:
        """Give the alerts that went out, newest first."""
        return await self.mail_records.sent(integration_id)

    async def mail_budget(self, integration_id: IntegrationId) -> Budget:
        """Tell when the next alert may go."""
        return await self.mail_records.budget(integration_id, self.clock(), self.alert_interval)

    async def _empty(self, keys: Keys, lane: str, last: str, receipt_age: timedelta) -> int:
        count = 0
        while True:
            chunk = await self.store.run(
                scripts.PURGE,
                [lane, keys.tries, keys.ended],
                to_ms(self.clock()),
                keys.receipts,
                length_ms(receipt_age),
                last,
                AT_ONCE,
                int(bool(self.archive_age)),
            )
            if not isinstance(chunk, int) or chunk == 0:
                return count
            count += chunk


def _within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)
