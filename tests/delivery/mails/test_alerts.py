"""A pending alert is sent once, by one worker, and stays pending until a mail server took it."""

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

import pytest

from delivery.facts.integration import Integration, IntegrationId
from delivery.facts.problem import Kind, Problem
from delivery.facts.status import Health
from delivery.facts.times import to_ms
from delivery.mails.alerts import AGAIN, KEPT, SENDING, Alerts, MailRecords
from delivery.stores import scripts
from delivery.stores.keys import DUE, MAIL, Keys
from delivery.stores.status_store import StatusStore
from delivery.stores.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.contacts import Died, FakeContacts, FatalContacts, StrictContacts
from tests.fakes.registry import FakeRegistry, an_integration

ACME = IntegrationId("acme")
KEYS = Keys(ACME)


def write(problem: Problem, integration: Integration, health: Health) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = f"{integration.name}: {problem.kind}"
    letter.set_content(f"{problem.reason}, {health.status}")
    return letter


@dataclass
class Post:
    """One integration with a pending alert, and workers that may send it."""

    store: Store
    clock: FakeClock
    registry: FakeRegistry
    states: StatusStore
    records: MailRecords

    def worker(self, contacts: FakeContacts) -> Alerts:
        return Alerts(self.store, self.states, self.registry, contacts, write, self.clock)

    async def pend(self) -> None:
        problem = Problem(Kind.DOWN, "HTTP 503", self.clock())
        await self.store.ask(
            ("HSET", KEYS.state, "alert", problem.write()),
            ("ZADD", MAIL, to_ms(self.clock()), ACME),
        )

    async def due(self) -> int | None:
        (score,) = await self.store.ask(("ZSCORE", MAIL, ACME))
        return None if score is None else int(score)


@pytest.fixture
async def post(store: Store) -> Post:
    clock = FakeClock()
    states = StatusStore(store, clock)
    registry = FakeRegistry()
    registry.put(an_integration())
    await states.apply(an_integration())
    post = Post(store, clock, registry, states, MailRecords(store))
    await post.pend()
    return post


async def test_a_sent_alert_is_recorded_and_no_longer_pending(post: Post) -> None:
    contacts = FakeContacts()

    await post.worker(contacts).send(ACME)
    await post.worker(contacts).send(ACME)

    (letter,) = contacts.letters
    assert letter.get_content() == "HTTP 503, flowing\n"
    (mail,) = await post.records.sent(ACME)
    assert (mail.at, mail.to, mail.kind, mail.error) == (
        post.clock(),
        ("ops@acme.example",),
        Kind.DOWN,
        None,
    )
    assert mail.subject == "acme to its LRS: down"
    assert await post.due() is None
    assert (await post.states.health([ACME]))[ACME].last_alert_at == post.clock()


async def test_without_a_pending_alert_nothing_is_sent_and_nothing_is_due(post: Post) -> None:
    contacts = FakeContacts()
    await post.store.ask(("HDEL", KEYS.state, "alert"))

    await post.worker(contacts).send(ACME)

    assert contacts.tries == 0
    assert await post.due() is None


async def test_an_integration_that_is_gone_gets_no_letter(post: Post) -> None:
    contacts = FakeContacts()
    post.registry.integrations.clear()

    await post.worker(contacts).send(ACME)

    assert contacts.tries == 0
    assert await post.records.sent(ACME) == []


async def test_a_letter_that_is_under_way_when_its_integration_is_deleted_leaves_no_record(
    post: Post,
) -> None:
    class Deleting(FakeContacts):
        async def send(self, letter: EmailMessage) -> None:
            await super().send(letter)
            keys = [KEYS.state, *KEYS.lanes(), KEYS.parked, DUE, MAIL, KEYS.lease]
            await post.store.run(scripts.RETIRE, keys, ACME, 1)

    await post.worker(Deleting()).send(ACME)

    assert await post.records.sent(ACME) == []
    assert await post.due() is None


async def test_a_mail_server_that_is_away_is_tried_again_in_a_minute(post: Post) -> None:
    contacts = FakeContacts()
    contacts.away = True

    await post.worker(contacts).send(ACME)
    assert await post.due() == to_ms(post.clock() + AGAIN)
    contacts.away = False
    post.clock.now += AGAIN
    await post.worker(contacts).send(ACME)

    assert (contacts.tries, len(contacts.letters)) == (2, 1)


async def test_a_letter_that_is_refused_for_good_counts_as_told_with_the_reason(
    post: Post,
) -> None:
    contacts = StrictContacts()

    await post.worker(contacts).send(ACME)
    await post.worker(contacts).send(ACME)

    assert contacts.tries == 1
    (mail,) = await post.records.sent(ACME)
    assert mail.error == f"550 no {mail.subject}"
    assert await post.due() is None


async def test_while_a_worker_may_still_be_sending_no_other_does(post: Post) -> None:
    contacts = FakeContacts()
    with pytest.raises(Died):
        await post.worker(FatalContacts()).send(ACME)

    post.clock.now += SENDING - timedelta(milliseconds=1)
    await post.worker(contacts).send(ACME)
    assert contacts.tries == 0
    post.clock.now += timedelta(milliseconds=1)
    await post.worker(contacts).send(ACME)

    assert len(contacts.letters) == 1


async def test_the_newest_letters_are_remembered(post: Post) -> None:
    contacts = FakeContacts()

    for _ in range(KEPT + 3):
        await post.pend()
        await post.worker(contacts).send(ACME)
        post.clock.move(days=1)

    mails = await post.records.sent(ACME)
    assert len(mails) == KEPT
    assert mails[0].at == post.clock() - timedelta(days=1)
