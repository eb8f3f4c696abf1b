"""Puts together what turns events into statements, in a worker."""

from config import clock
from config.settings import Settings
from config.wiring import Delivery, Registry
from delivery.intake import Intake
from delivery.stores.headroom import Headroom
from hub.completions import Wordings
from hub.conversion.converter import Converter
from hub.conversion.step import Stepping
from hub.conversion.telling import Telling
from hub.registry.clearing_house.conversion_steps import ConversionSteps
from hub.taking import Taking
from hub.templates.renderer import Renderer


def make_converter(
    registry: Registry,
    delivery: Delivery,
    headroom: Headroom,
    renderer: Renderer,
    settings: Settings,
    name: str,
) -> Converter:
    """Make the converter of a worker. `headroom` must be looked at beside it."""
    intake = Intake(
        delivery.store, headroom, delivery.bell, delivery.meters, clock.now, settings.max_queue
    )
    steps = ConversionSteps(registry.database)
    telling = Telling(
        Wordings(registry.integrations, registry.providers),
        Taking(intake, registry.integrations, delivery.control),
    )
    return Converter(
        registry.event_completions,
        steps,
        Stepping(steps, registry.events, renderer, telling, clock.now),
        registry.notices,
        registry.leases,
        clock.now,
        holder=name,
        meters=delivery.meters,
    )
