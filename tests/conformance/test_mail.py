"""Technical contacts hear of trouble through a real mail server, once, whatever happens to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import pytest_asyncio

from config.sandbox.server import Addresses, listening
from config.sandbox.state import Sandbox
from delivery.facts.doorbell import Work
from delivery.facts.integration import IntegrationId
from delivery.facts.problem import Kind
from delivery.facts.status import Status
from delivery.mails.alerts import Contacts
from delivery.mails.mailer import SmtpMailer
from hub.registry.parties.providers import Provider
from tests.conformance.engine import NEW, Engine, open_engine
from tests.fakes.clock import FakeClock
from tests.fakes.smtp import Mailbox, mail_server
from tests.fakes.statements import a_statement, ids, statements

AN_HOUR = {"mode": "status", "status": 503, "retryAfter": 3600, "body": "back <b>soon</b>"}


class Died(Exception):
    """The worker is gone."""


class FatalContacts:
    """Sends the letter, and takes the worker with it before it can say so."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    async def send(self, letter: EmailMessage) -> None:
        await self._contacts.send(letter)
        raise Died


@dataclass(frozen=True, slots=True)
class Place:
    """Where workers can be started: one Redis, one registry, one LRS, one clock."""

    valkey_url: str
    registry_url: str
    sandbox: Sandbox
    at: Addresses
    clock: FakeClock

    @asynccontextmanager
    async def worker(self, contacts: Contacts) -> AsyncIterator[Engine]:
        async with open_engine(self.valkey_url, self.registry_url, contacts, self.clock) as engine:
            yield engine

    async def connect(self, engine: Engine) -> IntegrationId:
        await engine.furnish(Provider("lms", "An LMS"))
        return await engine.connect(
            replace(
                NEW,
                technical_emails=("ops@acme.example", "lead@acme.example"),
                statement_url=self.at.statement_url,
                authentication_url=self.at.authentication_url,
                client_id="sandbox",
                client_secret="sandbox-secret",
            )
        )


@pytest_asyncio.fixture
async def place(empty_valkey_url: str, sqlite_url: str) -> AsyncIterator[Place]:
    clock = FakeClock()
    sandbox = Sandbox(clock)
    async with listening(sandbox, smtp_port=None) as at:
        yield Place(empty_valkey_url, sqlite_url, sandbox, at, clock)


def mailer(port: int) -> SmtpMailer:
    """Make the way to a mail server, with shorter pauses than life has."""
    return SmtpMailer(
        f"smtp://127.0.0.1:{port}",
        "hub@learning.example",
        within=timedelta(seconds=5),
        pause=timedelta(milliseconds=1),
    )


def letters(mailbox: Mailbox) -> list[EmailMessage]:
    return [message_from_bytes(taken.content, policy=policy.default) for taken in mailbox.taken]


async def answer_together(*workers: Engine) -> None:
    """Answer every ring; those for mails are heard by all workers, twice each, at once."""
    while rings := [ring for worker in workers for ring in worker.rings]:
        for worker in workers:
            worker.rings.clear()
        for work, found in rings:
            if work is Work.MAIL:
                sends = [w.alerts.send(i) for w in workers for i in found for _ in range(2)]
                await asyncio.gather(*sends)
            else:
                for integration_id in found:
                    drains = (w.drainer.drain(integration_id, lambda: False) for w in workers)
                    await asyncio.gather(*drains)


async def test_two_workers_who_race_for_three_days_send_one_letter_a_day(place: Place) -> None:
    place.sandbox.change({"statements": AN_HOUR})
    async with (
        mail_server() as mailbox,
        place.worker(mailer(mailbox.port)) as one,
        place.worker(mailer(mailbox.port)) as two,
    ):
        acme = await place.connect(one)
        start = place.clock.now
        await one.intake.accept(acme, statements(3))

        for _ in range(3 * 24 + 1):
            await answer_together(one, two)
            place.clock.move(hours=1)
            await asyncio.gather(one.heartbeat.beat(), two.heartbeat.beat())

        sent = await one.control.mails(acme)

    assert len(mailbox.taken) == mailbox.tries == 4
    assert [mail.at for mail in sent] == [start + timedelta(days=n) for n in (3, 2, 1, 0)]
    assert len({letter["Message-ID"] for letter in letters(mailbox)}) == 4


async def test_the_letter_arrives_whole(place: Place) -> None:
    place.sandbox.change({"statements": AN_HOUR})
    async with mail_server() as mailbox, place.worker(mailer(mailbox.port)) as worker:
        acme = await place.connect(worker)
        await worker.post(acme, *statements(3))

    (taken,), (letter,) = mailbox.taken, letters(mailbox)
    assert taken.recipients == ["ops@acme.example", "lead@acme.example"]
    assert taken.sender == "hub@learning.example"
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "back <b>soon</b>" in plain.get_content()
    assert "back &lt;b&gt;soon&lt;/b&gt;" in html.get_content()
    assert f"https://hub.example/portal/integrations/{acme}" in plain.get_content()


async def test_a_mail_server_that_is_away_gets_the_letter_when_it_is_back(place: Place) -> None:
    posted = statements(3)
    place.sandbox.change({"rejectStatements": [posted[0].id]})
    async with mail_server() as gone:
        port = gone.port

    async with place.worker(mailer(port)) as worker:
        acme = await place.connect(worker)
        await worker.post(acme, *posted)
        await worker.run(minutes=10)
        assert place.sandbox.lrs.ids() == ids(posted[1:])
        assert await worker.control.mails(acme) == []
        async with mail_server(port=port) as back:
            await worker.run(minutes=2)
            await worker.run(hours=20)
        (mail,) = await worker.control.mails(acme)

    assert len(back.taken) == 1
    assert (mail.kind, mail.error) == (Kind.PARKED, None)


async def test_a_mail_server_that_is_busy_for_an_hour_delays_the_letter(place: Place) -> None:
    place.sandbox.change({"statements": AN_HOUR})
    async with mail_server() as mailbox, place.worker(mailer(mailbox.port)) as worker:
        acme = await place.connect(worker)
        mailbox.letters = ["451 busy"] * 3 * 60
        await worker.post(acme, a_statement())
        await worker.run(hours=2)

        (mail,) = await worker.control.mails(acme)

    assert len(mailbox.taken) == 1
    assert mailbox.tries == 3 * 60 + 1
    assert mail.at == place.clock.now - timedelta(hours=1)


async def test_a_letter_that_is_refused_for_good_is_told_of_and_the_next_day_is_another(
    place: Place,
) -> None:
    place.sandbox.change({"statements": AN_HOUR})
    async with mail_server() as mailbox, place.worker(mailer(mailbox.port)) as worker:
        acme = await place.connect(worker)
        mailbox.letters = ["550 no such thing here"]
        await worker.post(acme, a_statement())
        await worker.run(hours=23)
        assert mailbox.tries == 1
        await worker.run(hours=2)

        today, yesterday = await worker.control.mails(acme)
        health = await worker.health(acme)

    assert len(mailbox.taken) == 1
    assert yesterday.error is not None
    assert "550 no such thing here" in yesterday.error
    assert today.error is None
    assert health.status is Status.DOWN


async def test_a_worker_that_dies_with_the_letter_sent_leaves_it_to_another(place: Place) -> None:
    place.sandbox.change({"statements": AN_HOUR})
    async with (
        mail_server() as mailbox,
        place.worker(FatalContacts(mailer(mailbox.port))) as dying,
        place.worker(mailer(mailbox.port)) as other,
    ):
        acme = await place.connect(dying)
        with pytest.raises(Died):
            await dying.post(acme, a_statement())
        await other.run(seconds=90)
        assert len(mailbox.taken) == 1
        await other.run(minutes=10)
        mails = await other.control.mails(acme)

    assert len(mails) == 1
    first, second = letters(mailbox)
    assert first["Message-ID"] == second["Message-ID"]
