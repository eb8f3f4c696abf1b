"""Where a statement is now, and its bytes, as long as they are kept."""

from dataclasses import dataclass

from delivery.facts.block import Ended
from delivery.facts.integration import IntegrationId
from delivery.facts.operation import OperationId
from delivery.facts.statement import StatementId
from delivery.stores.archive import Archive
from delivery.stores.keys import LANES, Keys
from delivery.stores.parked import Parked, ParkedStatements
from delivery.stores.receipts import Receipt, Receipts, ReceiptState
from delivery.stores.store import Store

COUNTED = 100
"""A place in a lane is counted so far; whoever is farther behind is told that."""
TRIES = 3
"""A statement that is looked for may be moved meanwhile, but not for ever."""


@dataclass(frozen=True, slots=True)
class InLane:
    """A statement's place among those that wait."""

    lane: str
    before: int | None
    """How many go before it; None for more than COUNTED in its lane."""
    waiting: int
    """How many wait in all."""
    replayed_by: OperationId | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What became of a statement, and where it is."""

    receipt: Receipt
    waiting: InLane | None = None
    parked: Parked | None = None
    ended: Ended | None = None

    @property
    def body(self) -> bytes | None:
        """The statement itself; None if it is not kept any more."""
        held = self.waiting or self.parked or self.ended
        return held.body if held else None


@dataclass(frozen=True, slots=True)
class Searching:
    """Looks statements up, wherever they are."""

    store: Store
    receipts: Receipts
    parked: ParkedStatements
    archive: Archive

    async def find(
        self, integration_id: IntegrationId, statement_id: StatementId
    ) -> Whereabouts | None:
        """Say where a statement is; None if it never came, or is forgotten by now."""
        found: Whereabouts | None = None
        for _ in range(TRIES):
            receipt = await self.receipts.find(integration_id, statement_id)
            if receipt is None:
                return None
            found = await self._look(integration_id, receipt)
            if found.body is not None or receipt.ended_at is not None:
                break
        return found

    async def _look(self, integration_id: IntegrationId, receipt: Receipt) -> Whereabouts:
        match receipt.state:
            case ReceiptState.QUEUED:
                return Whereabouts(receipt, waiting=await self._wait(integration_id, receipt))
            case ReceiptState.PARKED:
                parked = await self.parked.find(integration_id, receipt.place)
                return Whereabouts(receipt, parked=parked)
            case ReceiptState.DELIVERED | ReceiptState.DISCARDED:
                return Whereabouts(receipt, ended=await self._ended(integration_id, receipt))

    async def _ended(self, integration_id: IntegrationId, receipt: Receipt) -> Ended | None:
        if receipt.ended_at is None:
            return None
        return await self.archive.find(integration_id, receipt.id, receipt.ended_at)

    async def _wait(self, integration_id: IntegrationId, receipt: Receipt) -> InLane | None:
        lanes, place = Keys(integration_id).lanes(), receipt.place
        found = await self.store.ask(
            *(("XRANGE", lane, place, place) for lane in lanes),
            *(("XLEN", lane) for lane in lanes),
        )
        entries, lengths = found[: len(lanes)], found[len(lanes) :]
        for n, name in enumerate(LANES):
            fields = entries[n][0][1] if entries[n] else {}
            if fields.get(b"i") == receipt.id.encode():
                (ahead,) = await self.store.ask(
                    ("XRANGE", lanes[n], "-", f"({place}", "COUNT", COUNTED + 1)
                )
                return InLane(
                    lane=name,
                    before=sum(lengths[:n]) + len(ahead) if len(ahead) <= COUNTED else None,
                    waiting=sum(lengths),
                    replayed_by=OperationId(fields[b"o"].decode()) if fields.get(b"o") else None,
                    body=fields[b"b"],
                )
        return None
