"""What is pending is mailed once, by one worker, and stays pending until a mail server took it."""

import asyncio
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from hub.notices.letter import MOST_TOLD, Letters
from hub.notices.mailing import Contacts, Mailing
from hub.registry.parties.notices import NoticeKind, Notices
from hub.registry.sql.leases import SqlLeases
from tests.fakes.clock import FakeClock
from tests.fakes.contacts import Died, FakeContacts, FatalContacts, StrictContacts

LETTERS = Letters("hub@learning.example", "https://hub.example")
Worker = Callable[[Contacts], Mailing]


class SlowContacts(FakeContacts):
    """Takes a mail when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def send(self, letter: EmailMessage) -> None:
        self.asked.set()
        await self.go.wait()
        await super().send(letter)


class BrokenContacts(FakeContacts):
    """Fails at the first letter for a reason that nobody foresaw."""

    async def send(self, letter: EmailMessage) -> None:
        self.tries += 1
        if self.tries == 1:
            raise ZeroDivisionError("a bug")
        self.letters.append(letter)


@pytest.fixture
def worker(notices: Notices, leases: SqlLeases, clock: FakeClock) -> Worker:
    return lambda contacts: Mailing(notices, LETTERS, contacts, leases, clock, holder="test")


@pytest.fixture
async def noted(notices: Notices, clock: FakeClock) -> Notices:
    """Have two things to tell ACME, long enough ago."""
    await notices.note("ACME", NoticeKind.SYNC, "PUB", "not imported")
    await notices.note("ACME", NoticeKind.KEY, "1", "ends soon")
    clock.move(minutes=1)
    return notices


def words(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_one_mail_tells_all_and_the_next_comes_a_day_later(
    noted: Notices, worker: Worker, clock: FakeClock
) -> None:
    contacts = FakeContacts()

    await worker(contacts).send_due()
    await noted.note("ACME", NoticeKind.SYNC, "PUB", "again not imported")
    clock.move(hours=23, minutes=59)
    await worker(contacts).send_due()
    before = len(contacts.letters)
    clock.move(minutes=1)
    await worker(contacts).send_due()
    await worker(contacts).send_due()

    assert before == 1
    first, second = contacts.letters
    assert "not imported" in words(first)
    assert "ends soon" in words(first)
    assert "again not imported" in words(second)
    assert "ends soon" not in words(second)
    sent = (await noted.mails("ACME")).items
    assert [(mail.recipients, mail.error) for mail in sent] == [(("ops@acme.example",), None)] * 2


async def test_a_mail_server_that_is_away_is_asked_again_in_two_minutes(
    noted: Notices, worker: Worker, clock: FakeClock
) -> None:
    contacts = FakeContacts()
    contacts.away = True

    await worker(contacts).send_due()
    await worker(contacts).send_due()
    tries = contacts.tries
    contacts.away = False
    clock.move(minutes=2)
    await worker(contacts).send_due()

    assert tries == 1
    assert len(contacts.letters) == 1
    assert await noted.pending("ACME") == []


async def test_a_refused_mail_is_written_down_and_its_notices_wait_a_day(
    noted: Notices, worker: Worker, clock: FakeClock
) -> None:
    strict, kind = StrictContacts(), FakeContacts()

    await worker(strict).send_due()
    await worker(kind).send_due()
    early = list(kind.letters)
    clock.move(days=1)
    await worker(kind).send_due()

    assert (strict.tries, early) == (1, [])
    assert [mail.error for mail in (await noted.mails("ACME")).items] == [
        None,
        "550 no Acme: several things need your attention",
    ]
    assert "ends soon" in words(kind.letters[0])


async def test_a_worker_that_dies_after_sending_leaves_the_same_letter_to_another(
    noted: Notices, worker: Worker, clock: FakeClock
) -> None:
    fatal, contacts = FatalContacts(), FakeContacts()

    with pytest.raises(Died):
        await worker(fatal).send_due()
    await worker(contacts).send_due()
    early = list(contacts.letters)
    clock.move(minutes=2)
    await worker(contacts).send_due()

    assert early == []
    assert contacts.letters[0]["Message-ID"] == fatal.letters[0]["Message-ID"]
    assert await noted.pending("ACME") == []


async def test_two_workers_send_one_mail_also_when_one_is_slow(
    noted: Notices, worker: Worker
) -> None:
    slow, contacts = SlowContacts(), FakeContacts()
    sending = asyncio.create_task(worker(slow).send_due())
    await slow.asked.wait()

    await worker(contacts).send_due()
    slow.go.set()
    await sending
    await worker(contacts).send_due()

    assert (len(slow.letters), len(contacts.letters)) == (1, 0)


async def test_a_worker_that_was_overtaken_writes_nothing_down(
    noted: Notices, worker: Worker, clock: FakeClock
) -> None:
    slow, contacts = SlowContacts(), FakeContacts()
    sending = asyncio.create_task(worker(slow).send_due())
    await slow.asked.wait()

    clock.move(minutes=2)
    await worker(contacts).send_due()
    slow.go.set()
    await sending

    assert len((await noted.mails("ACME")).items) == 1


async def test_what_is_noted_while_a_mail_is_sent_is_told_by_the_next(
    noted: Notices, worker: Worker, clock: FakeClock
) -> None:
    slow = SlowContacts()
    sending = asyncio.create_task(worker(slow).send_due())
    await slow.asked.wait()

    await noted.note("ACME", NoticeKind.SYNC, "PUB", "newer words")
    slow.go.set()
    await sending

    assert [one.words for one in await noted.pending("ACME")] == ["newer words"]


async def test_one_letter_in_trouble_keeps_no_other_back(
    noted: Notices, worker: Worker, clock: FakeClock
) -> None:
    await noted.note("OTHER", NoticeKind.SYNC, "PUB", "for another")
    clock.move(minutes=1)
    broken = BrokenContacts()

    await worker(broken).send_due()

    assert ["for another" in words(letter) for letter in broken.letters] == [True]
    assert len(await noted.pending("ACME")) == 2


async def test_more_than_a_letter_can_hold_is_told_by_the_next(
    notices: Notices, worker: Worker, clock: FakeClock
) -> None:
    for number in range(MOST_TOLD + 1):
        await notices.note("ACME", NoticeKind.KEY, f"{number}", f"notice {number}")
    clock.move(minutes=1)

    await worker(FakeContacts()).send_due()

    assert [one.words for one in await notices.pending("ACME")] == [f"notice {MOST_TOLD}"]
