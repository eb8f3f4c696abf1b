"""Notices wait until a mail told them; mails are written down."""

import asyncio
from datetime import timedelta

import pytest

from hub.errors import LeaseLost, UnknownProgram
from hub.registry.parties.keys import Keys
from hub.registry.parties.notices import Addressee, NoticeKind, Notices, ProgramMail
from hub.registry.parties.programs import Programs
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLease, SqlLeases
from hub.registry.sql.tables import ProgramRow
from tests.hub.registry.moved_clock import MovedClock

QUIET, GATHERED = timedelta(days=1), timedelta(minutes=1)
EMAILS = ("ops@acme.example", "lms@acme.example")
SYNC, KEY = NoticeKind.SYNC, NoticeKind.KEY


@pytest.fixture
async def notices(database: Database, clock: MovedClock, programs: Programs) -> Notices:
    for program in ("ACME", "OTHER", "SILENT"):
        await programs.create(program, program.title(), by="test")
    async with database.write() as session:
        for program in ("ACME", "OTHER"):
            (await session.get_one(ProgramRow, program)).technical_emails = EMAILS
    return Notices(database, clock)


@pytest.fixture
async def lease(database: Database, clock: MovedClock) -> SqlLease:
    taken = await SqlLeases(database, clock).take("notices/ACME", QUIET, holder="test")
    assert taken is not None
    return taken


async def due(notices: Notices) -> list[str]:
    return [one.program_id for one in await notices.due(quiet=QUIET, gathered=GATHERED)]


async def words(notices: Notices, program_id: str = "ACME") -> list[str]:
    return [one.words for one in await notices.pending(program_id)]


async def test_the_same_again_replaces_the_words_and_keeps_the_place(
    notices: Notices, clock: MovedClock
) -> None:
    await notices.note("ACME", SYNC, "PUB", "first")
    clock.move(1)
    await notices.note("ACME", KEY, "PUB", "of a key")
    await notices.note("ACME", SYNC, "OTHER", "of another")
    await notices.note("OTHER", SYNC, "PUB", "elsewhere")
    await notices.note("ACME", SYNC, "PUB", "again, with\0what\ncannot be kept")

    assert await words(notices) == ["again, with what cannot be kept", "of a key", "of another"]
    assert await words(notices, "OTHER") == ["elsewhere"]


async def test_two_who_note_the_same_at_once_both_do(notices: Notices) -> None:
    # Once around beforehand, so that the connections are there and nobody waits for one.
    await asyncio.gather(*(notices.note("OTHER", SYNC, f"{n}", "first") for n in range(8)))

    for about in map(str, range(10)):
        await asyncio.gather(*(notices.note("ACME", SYNC, about, "same") for _ in range(8)))

    assert len(await words(notices)) == 10


async def test_a_notice_needs_a_program(notices: Notices) -> None:
    with pytest.raises(UnknownProgram, match="NONE"):
        await notices.note("NONE", SYNC, "PUB", "to nobody")


async def test_what_is_withdrawn_is_not_told(notices: Notices) -> None:
    await notices.note("ACME", SYNC, "PUB", "one")
    await notices.note("ACME", SYNC, "OTHER", "two")

    await notices.withdraw("ACME", SYNC, "PUB")
    await notices.withdraw("ACME", SYNC, "NONE")

    assert await words(notices) == ["two"]


async def test_programs_with_contacts_are_told_once_notices_have_gathered(
    notices: Notices, clock: MovedClock
) -> None:
    await notices.note("ACME", SYNC, "PUB", "one")
    await notices.note("SILENT", SYNC, "PUB", "to nobody")
    early = await due(notices)
    clock.move(60)
    await notices.note("ACME", SYNC, "PUB", "again")
    await notices.note("OTHER", SYNC, "PUB", "young")

    assert early == []
    assert await notices.due(quiet=QUIET, gathered=GATHERED) == [Addressee("ACME", "Acme", EMAILS)]


async def test_a_mail_is_written_down_with_what_it_told_and_keeps_others_waiting(
    notices: Notices, lease: SqlLease, clock: MovedClock
) -> None:
    await notices.note("ACME", SYNC, "PUB", "told")
    await notices.note("ACME", SYNC, "OTHER", "old words")
    told = await notices.pending("ACME")
    await notices.note("ACME", SYNC, "OTHER", "new words")

    mail = ProgramMail(clock(), EMAILS, "News")
    await notices.record(lease, "ACME", mail, told)
    clock.move(QUIET.total_seconds() - 1)
    before = await due(notices)
    clock.move(1)

    assert await words(notices) == ["new words"]
    assert before == []
    assert await due(notices) == ["ACME"]
    assert (await notices.mails("ACME")).items == (mail,)
    assert (await notices.mails("OTHER")).items == ()


async def test_a_refused_mail_keeps_its_notices_and_counts_as_a_mail(
    notices: Notices, lease: SqlLease, clock: MovedClock
) -> None:
    await notices.note("ACME", SYNC, "PUB", "one")
    clock.move(60)

    await notices.record(lease, "ACME", ProgramMail(clock(), EMAILS, "News", "550 no"), [])

    assert await words(notices) == ["one"]
    assert await due(notices) == []


async def test_mails_are_paged_newest_first(
    notices: Notices, lease: SqlLease, clock: MovedClock
) -> None:
    for number in range(3):
        clock.move(1)
        await notices.record(lease, "ACME", ProgramMail(clock(), EMAILS, f"{number}"), [])

    first = await notices.mails("ACME", limit=2)
    second = await notices.mails("ACME", limit=2, cursor=first.next)

    assert [one.subject for one in first.items] == ["2", "1"]
    assert ([one.subject for one in second.items], second.next) == (["0"], None)


async def test_a_mail_of_one_who_was_overtaken_is_not_written_down(
    notices: Notices, lease: SqlLease, database: Database, clock: MovedClock
) -> None:
    await notices.note("ACME", SYNC, "PUB", "one")
    clock.move(QUIET.total_seconds())
    assert await SqlLeases(database, clock).take("notices/ACME", QUIET, holder="other")

    with pytest.raises(LeaseLost):
        await notices.record(
            lease, "ACME", ProgramMail(clock(), EMAILS, "News"), await notices.pending("ACME")
        )

    assert await words(notices) == ["one"]
    assert (await notices.mails("ACME")).items == ()


async def test_what_was_to_be_told_of_a_key_goes_with_it(notices: Notices, keys: Keys) -> None:
    created = await keys.create("ann", by="test")
    await notices.note("ACME", KEY, created.record.id, "ends soon")
    await notices.note("ACME", KEY, "another", "ends too")

    await keys.revoke(created.record.id, by="test")

    assert await words(notices) == ["ends too"]
