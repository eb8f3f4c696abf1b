"""The mailbox keeps what a real SMTP client gives it, and refuses when told to."""

from collections.abc import AsyncIterator
from email.message import EmailMessage

import aiosmtplib
import pytest

from config.sandbox.server import Addresses, listening
from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import Caller
from tests.config.sandbox.clock import StillClock


@pytest.fixture
async def at(sandbox: Sandbox) -> AsyncIterator[Addresses]:
    async with listening(sandbox) as addresses:
        yield addresses


def a_mail(subject: str = "Zustellung gestört") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Hub <hub@example.org>"
    mail["To"] = "tech@example.org"
    mail["Subject"] = subject
    mail.set_content("It <stopped>.\n")
    mail.add_alternative("<p>It <b>stopped</b>.</p>\n", subtype="html")
    return mail


async def send(at: Addresses, mail: EmailMessage) -> None:
    assert at.smtp_port is not None
    await aiosmtplib.send(mail, hostname=at.smtp_host, port=at.smtp_port, use_tls=False)


async def test_a_mail_is_kept_in_all_its_parts(
    at: Addresses, sandbox: Sandbox, stranger: Caller
) -> None:
    await send(at, a_mail())

    (mail,) = (await stranger.http.get("/mailbox.json")).json()
    assert mail["subject"] == "Zustellung gestört"
    assert (mail["from"], mail["to"]) == ("hub@example.org", ["tech@example.org"])
    assert mail["text"].strip() == "It <stopped>."
    assert mail["html"].strip() == "<p>It <b>stopped</b>.</p>"
    assert ["From", "Hub <hub@example.org>"] in mail["headers"]
    assert mail["at"] == "2026-03-01T12:00:00.000Z"


async def test_mails_are_refused_as_often_as_told(at: Addresses, sandbox: Sandbox) -> None:
    sandbox.change({"mail": {"mode": "status", "status": 451, "times": 1}})

    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(at, a_mail())
    await send(at, a_mail())

    assert refused.value.code == 451
    assert len(sandbox.mailbox.mails()) == 1


async def test_the_newest_mails_are_kept(clock: StillClock) -> None:
    sandbox = Sandbox(clock, keep_mails=2)

    for number in range(3):
        sandbox.mailbox.keep("a@b.c", ["d@e.f"], b"Subject: %d\r\n\r\nx" % number)

    assert [mail.subject for mail in sandbox.mailbox.mails()] == ["2", "1"]
    assert sandbox.mailbox.received == 3


async def test_an_unknown_charset_is_read_as_well_as_can_be(sandbox: Sandbox) -> None:
    odd = b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla\xe9"

    sandbox.mailbox.keep("a@b.c", ["d@e.f"], odd)

    assert sandbox.mailbox.mails()[0].text == "qaplaé"


async def test_a_mail_without_text_or_subject_is_kept(sandbox: Sandbox) -> None:
    sandbox.mailbox.keep("", ["d@e.f"], b"Content-Type: image/png\r\n\r\nx")

    (mail,) = sandbox.mailbox.mails()
    assert (mail.subject, mail.text, mail.html) == ("", None, None)
