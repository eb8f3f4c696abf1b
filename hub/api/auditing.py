"""Writing down who steered a delivery: purged a queue, released, discarded or replayed statements.

It is written before it is done: what cannot be written down is not done.
"""

from hub.api.house import House
from hub.registry.caller import Caller
from hub.registry.integration_records import IntegrationRecord


async def note_steering(
    house: House, caller: Caller, record: IntegrationRecord, action: str, **changes: str | int
) -> None:
    """Note an action, such as `purged`, on the statements of an integration.

    Raises RegistryUnavailable.
    """
    await house.audit.add(
        action,
        "statements",
        record.id,
        at=house.clock(),
        by=caller.who,
        program_id=record.program_id,
        changes=changes,
    )
