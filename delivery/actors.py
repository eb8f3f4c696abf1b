"""The Dramatiq actors of delivery: one call each. A message is a doorbell, never the record."""

from typing import Protocol

import dramatiq

from delivery.facts.doorbell import Work
from delivery.facts.integration import IntegrationId
from delivery.mails.alerts import Alerts
from delivery.work.running import Running


class House(Protocol):
    """What the actors call; opened before the first ring is answered."""

    @property
    def running(self) -> Running:
        """The drains of this process."""
        ...

    @property
    def alerts(self) -> Alerts:
        """The alerts."""
        ...


def declare(broker: dramatiq.Broker, house: House) -> None:
    """Declare the actors on a broker. Probes have their own queue, so the dead starve nobody."""

    async def drain(ids: list[str]) -> None:
        await house.running.begin(IntegrationId(i) for i in ids)

    async def mail(ids: list[str]) -> None:
        for integration_id in ids:
            await house.alerts.send(IntegrationId(integration_id))

    for work, act in ((Work.DRAIN, drain), (Work.PROBE, drain), (Work.MAIL, mail)):
        declared = dramatiq.actor(
            broker=broker, actor_name=f"delivery.{work}", queue_name=work.value
        )
        declared(act)
