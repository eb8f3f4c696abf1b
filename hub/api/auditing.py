"""Writing down who steered a delivery: purged a queue, released, discarded or replayed statements.

It is written before it is done: what cannot be written down is not done.
"""

from collections.abc import Collection

from pydantic import JsonValue

from delivery.facts.statement import StatementId
from hub.api.house import House
from hub.registry.parties.caller import Caller
from hub.registry.parties.integration_records import IntegrationRecord

NAMED = 100
"""Statements are named, so that the story of each can tell, as long as they are no more."""


async def note_steering(
    house: House,
    caller: Caller,
    record: IntegrationRecord,
    action: str,
    *,
    ids: Collection[StatementId] | None = None,
    **counts: int,
) -> None:
    """Note an action, such as `purged`, on the statements of an integration.

    Raises RegistryUnavailable.
    """
    changes: dict[str, JsonValue] = {**counts}
    if ids is not None and len(ids) <= NAMED:
        changes["statementIds"] = [*map(str, sorted(ids))]
    await house.audit.add(
        action,
        "statements",
        record.id,
        at=house.clock(),
        by=caller.who,
        program_id=record.program_id,
        changes=changes,
    )
