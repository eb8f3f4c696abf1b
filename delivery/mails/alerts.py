"""Tells the technical contacts, at most once in 24 hours for each integration.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:state` | hash | `alert`: the pending problem; `alerted`: when the last mail went | - |
| `hub:mail` | zset | integration id, score = when to send | until sent |
| `hub:{id}:mail_lease` | string | when its sending began | SENDING |
| `hub:{id}:mails` | list | what was sent, newest first | the newest KEPT |

An alert is written down as pending in the same step as the outcome it tells of, and marked as sent
only after the mail server took it. Two workers never send the same one; a worker that dies between
the two leaves it to another, with the same Message-ID.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol

import orjson
import structlog

from delivery.facts.counting import Counting, Uncounted
from delivery.facts.errors import MailRefused, MailUnavailable
from delivery.facts.integration import Integration, IntegrationId, Integrations
from delivery.facts.problem import Kind, Problem
from delivery.facts.status import Health
from delivery.facts.times import Clock, from_ms, length_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import MAIL, Keys
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store

SENDING = timedelta(minutes=2)
AGAIN = timedelta(minutes=1)
KEPT = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mail:
    """An alert that went out."""

    at: datetime
    to: tuple[str, ...]
    subject: str
    kind: Kind
    error: str | None
    """Why the mail server refused it for good, if it did."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When the next alert may go."""

    is_pending: bool
    """One is to be sent now."""
    next_at: datetime | None
    """Before this none goes; None where one may go at any time."""


class Contacts(Protocol):
    """The way to the technical contacts."""

    async def send(self, letter: EmailMessage) -> None:
        """Hand a mail to the mail server. Raises MailUnavailable, or MailRefused for good."""
        ...


class Writer(Protocol):
    """Puts a problem into words."""

    def __call__(self, problem: Problem, integration: Integration, health: Health) -> EmailMessage:
        """Write the mail."""
        ...


class MailRecords:
    """Reads which alerts went out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sent(self, integration_id: IntegrationId) -> list[Mail]:
        """Give the alerts that went out, newest first."""
        (records,) = await self._store.ask(("LRANGE", Keys(integration_id).mails, 0, -1))
        return [_read(record) for record in records]

    async def budget(
        self, integration_id: IntegrationId, now: datetime, interval: timedelta
    ) -> Budget:
        """Tell when the next alert may go, at most one in each interval."""
        state = Keys(integration_id).state
        ((pending, alerted),) = await self._store.ask(("HMGET", state, "alert", "alerted"))
        next_at = from_ms(alerted) + interval if alerted else now
        return Budget(pending is not None, next_at if next_at > now else None)


class Alerts:
    """Sends the alerts that are pending."""

    def __init__(
        self,
        store: Store,
        states: StatusStore,
        integrations: Integrations,
        contacts: Contacts,
        writer: Writer,
        clock: Clock,
        meters: Counting | None = None,
    ) -> None:
        self._meters = meters or Uncounted()
        self._store = store
        self._states = states
        self._integrations = integrations
        self._contacts = contacts
        self._writer = writer
        self._clock = clock

    async def send(self, integration_id: IntegrationId) -> None:
        """Send the pending alert of one integration, if there is one and no other sends it.

        A mail server that is away leaves it pending; it is due again in a minute.
        """
        problem = await self._claim(integration_id)
        integration = await self._integrations.find(integration_id)
        if problem is None or integration is None:
            return
        health = (await self._states.health([integration_id]))[integration_id]
        letter = self._writer(problem, integration, health)
        error = None
        try:
            await self._contacts.send(letter)
        except MailUnavailable as unavailable:
            self._meters.count("mails", "deferred")
            log.warning("alert.deferred", integration=integration_id, error=str(unavailable))
            await self._store.ask(("DEL", Keys(integration_id).mail_lease))
            return
        except MailRefused as refused:
            error = str(refused)
        # Mark after sending: a failed mail must not silence the next 24 hours.
        await self._mark(integration, problem, letter, error)
        self._meters.count("mails", "refused" if error else "sent")
        log.info("alert.sent", integration=integration_id, kind=problem.kind, error=error)

    async def _claim(self, integration_id: IntegrationId) -> Problem | None:
        keys = Keys(integration_id)
        reply = await self._store.run(
            scripts.CLAIM_MAIL,
            [keys.state, MAIL, keys.mail_lease],
            integration_id,
            to_ms(self._clock()),
            length_ms(SENDING),
            length_ms(AGAIN),
        )
        return Problem.read(reply) if isinstance(reply, bytes) else None

    async def _mark(
        self, integration: Integration, problem: Problem, letter: EmailMessage, error: str | None
    ) -> None:
        keys = Keys(integration.id)
        now = to_ms(self._clock())
        record = orjson.dumps(
            {
                "at": now,
                "to": integration.technical_emails,
                "subject": str(letter["Subject"]),
                "kind": problem.kind,
                "error": error,
            }
        )
        await self._store.run(
            scripts.MAIL_SENT,
            [keys.state, MAIL, keys.mail_lease, keys.mails],
            integration.id,
            now,
            record,
            KEPT,
        )


def _read(record: bytes) -> Mail:
    written = orjson.loads(record)
    return Mail(
        at=from_ms(written["at"]),
        to=tuple(written["to"]),
        subject=written["subject"],
        kind=Kind(written["kind"]),
        error=written["error"],
    )
