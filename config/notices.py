"""Puts together what tells the contacts of programs, in a worker."""

from collections.abc import Sequence
from datetime import timedelta

from config import clock
from config.errands import Errand
from config.settings import Settings
from config.wiring import Registry
from hub.notices.ending_keys import EndingKeys
from hub.notices.letter import Letters
from hub.notices.mailing import Contacts, Mailing

EVERY_TEN_SECONDS, EVERY_FIVE_MINUTES = timedelta(seconds=10), timedelta(minutes=5)


def notice_errands(
    registry: Registry, contacts: Contacts, settings: Settings, name: str
) -> Sequence[Errand]:
    """Make the errands of a worker that warn of what is coming, and mail what was noted."""
    letters = Letters(settings.mail_from, settings.public_url, settings.alert_interval)
    mailing = Mailing(registry.notices, letters, contacts, registry.leases, clock.now, holder=name)
    ending_keys = EndingKeys(
        registry.keys, registry.notices, registry.leases, clock.now, holder=name
    )
    return (
        Errand("tell the contacts of programs", EVERY_TEN_SECONDS, mailing.send_due),
        Errand("look for keys that end", EVERY_FIVE_MINUTES, ending_keys.look),
    )
