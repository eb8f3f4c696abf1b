"""Mailing: the errand that sends each program's pending notices, one mail in 24 hours.

A notice is forgotten only after the mail server took the mail that tells it. A worker that dies
between the two leaves it to another, which sends the same letter with the same Message-ID.
"""

from datetime import timedelta
from email.message import EmailMessage
from typing import Protocol

import structlog

from delivery.facts.errors import MailRefused, MailUnavailable
from hub.errors import LeaseLost, RegistryUnavailable
from hub.notices.letter import MOST_TOLD, Letters
from hub.registry.parties.notices import Addressee, Notices, ProgramMail
from hub.registry.sql.clock import Clock
from hub.registry.sql.leases import SqlLease, SqlLeases

SENDING = timedelta(minutes=2)
"""Longer than all tries of one mail; a mail server that is away is asked again when it is over."""
GATHERED = timedelta(minutes=1)
"""How long a notice waits for others of the same run, so that one mail tells them all."""

log = structlog.get_logger()


class Contacts(Protocol):
    """The way to the contacts."""

    async def send(self, letter: EmailMessage) -> None:
        """Hand a mail to the mail server. Raises MailUnavailable, or MailRefused for good."""
        ...


class Mailing:
    """Sends what is pending, for all programs."""

    def __init__(
        self,
        notices: Notices,
        letters: Letters,
        contacts: Contacts,
        leases: SqlLeases,
        clock: Clock,
        *,
        holder: str,
    ) -> None:
        self._notices = notices
        self._letters = letters
        self._contacts = contacts
        self._leases = leases
        self._clock = clock
        self._holder = holder

    async def send_due(self) -> None:
        """Tell the contacts of every program that has something to be told, and may be mailed."""
        for addressee in await self._due():
            lease = await self._leases.take(
                f"notices/{addressee.program_id}", SENDING, holder=self._holder
            )
            if lease is not None:
                await self._send(lease, addressee.program_id)

    async def _send(self, lease: SqlLease, program_id: str) -> None:
        # Asked again under the lease: another may have sent just before it was taken.
        for addressee in await self._due(program_id):
            try:
                await self._tell(lease, addressee)
            except MailUnavailable as error:
                # The lease is kept: the next try comes when it lapses.
                log.warning("notices.deferred", program=program_id, error=str(error))
                return
            except LeaseLost:
                log.warning("notices.overtaken", program=program_id)
                return
            except RegistryUnavailable:
                raise
            except Exception:
                # What is wrong with one program's letter must not keep the others' back.
                log.exception("notices.failed", program=program_id)
                return
        await self._leases.release(lease)

    async def _tell(self, lease: SqlLease, addressee: Addressee) -> None:
        notices = (await self._notices.pending(addressee.program_id))[:MOST_TOLD]
        letter = self._letters.write(addressee, notices)
        error = None
        try:
            await self._contacts.send(letter)
        except MailRefused as refused:
            error = str(refused)
        # Mark after sending: a failed mail must not silence the next 24 hours.
        mail = ProgramMail(self._clock(), addressee.emails, str(letter["Subject"]), error)
        told = () if error else notices
        await self._notices.record(lease, addressee.program_id, mail, told)
        log.info("notices.sent", program=addressee.program_id, notices=len(notices), error=error)

    async def _due(self, program_id: str | None = None) -> list[Addressee]:
        return list(
            await self._notices.due(
                quiet=self._letters.interval, gathered=GATHERED, program_id=program_id
            )
        )
