"""The way of a letter: into a mail server, or into a folder."""

import asyncio
import email
import email.policy
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import structlog

from delivery.facts.errors import MailRefused, MailUnavailable
from delivery.mails.mailer import BadSmtpUrl, FileMailer, SmtpMailer
from tests.fakes.certificate import certificate
from tests.fakes.smtp import Account, Mailbox, mail_server

SENDER = "hub@learning.example"
SHORT = timedelta(milliseconds=500)
NO_PAUSE = timedelta(milliseconds=1)


def a_letter(*recipients: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = f"Learning Hub <{SENDER}>"
    letter["To"] = ", ".join(recipients or ("ops@acme.example",))
    letter["Subject"] = "Ärger mit dem Server"
    letter["Message-ID"] = "<1@learning.example>"
    letter.set_content("Grüße\n")
    letter.add_alternative("<p>Grüße</p>", subtype="html")
    return letter


def written(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def a_mailer(mailbox: Mailbox, login: str = "") -> SmtpMailer:
    url = f"smtp://{login}127.0.0.1:{mailbox.port}"
    return SmtpMailer(url, SENDER, within=SHORT, pause=NO_PAUSE)


async def test_a_letter_reaches_every_recipient() -> None:
    async with mail_server() as mailbox:
        await a_mailer(mailbox).send(a_letter("a@acme.example", "b@acme.example"))

    (taken,) = mailbox.taken
    assert taken.sender == SENDER
    assert taken.recipients == ["a@acme.example", "b@acme.example"]
    letter = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert letter["Subject"] == "Ärger mit dem Server"
    assert letter["Message-ID"] == "<1@learning.example>"


async def test_a_sender_with_a_name_is_understood() -> None:
    async with mail_server() as mailbox:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{mailbox.port}", f"Learning Hub <{SENDER}>")
        await mailer.send(a_letter())

    assert mailbox.taken[0].sender == SENDER


async def test_tls_is_taken_where_it_is_offered() -> None:
    tls = certificate()
    async with mail_server(start_tls=tls.server) as mailbox:
        url = f"smtp://127.0.0.1:{mailbox.port}"
        await SmtpMailer(url, SENDER, tls=tls.client).send(a_letter())

    assert mailbox.taken[0].encrypted


async def test_smtps_speaks_tls_from_the_start() -> None:
    tls = certificate()
    async with mail_server(tls=tls.server) as mailbox:
        url = f"smtps://127.0.0.1:{mailbox.port}"
        await SmtpMailer(url, SENDER, tls=tls.client).send(a_letter())

    assert mailbox.taken


async def test_a_certificate_that_is_not_trusted_stops_the_letter() -> None:
    async with mail_server(start_tls=certificate().server) as mailbox:
        with pytest.raises(MailUnavailable, match="certificate"):
            await a_mailer(mailbox).send(a_letter())

    assert mailbox.taken == []


async def test_the_password_is_decoded_and_works() -> None:
    async with mail_server(account=Account("hub@acme", "p:w/@ ü")) as mailbox:
        await a_mailer(mailbox, "hub%40acme:p%3Aw%2F%40%20%C3%BC@").send(a_letter())

    assert mailbox.taken[0].logged_in


async def test_a_wrong_password_leaves_the_letter_pending_and_is_never_seen(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with mail_server(account=Account("hub", "right")) as mailbox:
        mailer = a_mailer(mailbox, "hub:wr0ng-one@")
        with (
            caplog.at_level(logging.INFO),
            structlog.testing.capture_logs() as logs,
            pytest.raises(MailUnavailable, match="535") as raised,
        ):
            await mailer.send(a_letter())

    seen = repr((raised.value, mailer, logs)) + caplog.text
    assert "wr0ng-one" not in seen
    assert mailbox.taken == []


def test_a_password_goes_to_another_machine_only_over_tls() -> None:
    # What is decided here is given to aiosmtplib; the far machine itself is beyond a test's reach.
    far = SmtpMailer("smtp://hub:pw@mail.example", SENDER)
    near = SmtpMailer("smtp://hub:pw@127.0.0.1", SENDER)
    open_relay = SmtpMailer("smtp://mail.example", SENDER)

    demands = [mailer._start_tls() for mailer in (far, near, open_relay)]  # noqa: SLF001 - see above

    assert demands == [True, None, None]


async def test_a_closed_port_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        mailer = SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, pause=NO_PAUSE)

        with pytest.raises(MailUnavailable, match=r"127\.0\.0\.1 cannot be reached"):
            await mailer.send(a_letter())


@asynccontextmanager
async def odd_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Run a mail server that does what it likes; give its address."""
    serving: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(connected(reader, writer)))

    async with await asyncio.start_server(accepted, "127.0.0.1", 0) as server:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*serving)


async def test_a_mail_server_that_is_silent_is_unavailable() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with odd_server(silent) as url:
        mailer = SmtpMailer(url, SENDER, within=timedelta(milliseconds=50), pause=NO_PAUSE)

        with pytest.raises(MailUnavailable):
            await mailer.send(a_letter())


async def test_a_letter_that_was_taken_is_sent_though_the_parting_fails() -> None:
    lines: list[bytes] = []

    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        in_letter = False
        while line := await reader.readline():
            lines.append(line)
            if line == b".\r\n":
                in_letter = False
            if line.startswith(b"QUIT"):
                break
            if not in_letter:
                writer.write(b"354 go on\r\n" if line == b"DATA\r\n" else b"250 OK\r\n")
            in_letter = in_letter or line == b"DATA\r\n"
        await reader.read()

    async with odd_server(leaves) as url:
        await SmtpMailer(url, SENDER, within=timedelta(milliseconds=300)).send(a_letter())

    assert lines.count(b"DATA\r\n") == 1


@pytest.mark.parametrize("times", [1, 2])
async def test_a_mail_server_that_is_busy_is_tried_again(times: int) -> None:
    async with mail_server() as mailbox:
        mailbox.letters = ["451 busy"] * times
        await a_mailer(mailbox).send(a_letter())

    assert mailbox.tries == times + 1
    assert len(mailbox.taken) == 1


async def test_a_mail_server_that_stays_busy_is_unavailable() -> None:
    async with mail_server() as mailbox:
        mailbox.letters = ["451 busy"] * 9
        with pytest.raises(MailUnavailable, match="451 busy"):
            await a_mailer(mailbox).send(a_letter())

    assert mailbox.tries == 3


async def test_a_letter_that_is_refused_for_good_is_not_tried_again() -> None:
    async with mail_server() as mailbox:
        mailbox.letters = ["554 spam"]
        with pytest.raises(MailRefused, match="554 spam"):
            await a_mailer(mailbox).send(a_letter())

    assert mailbox.tries == 1


async def test_a_sender_that_is_refused_is_ours_to_mend_and_stays_pending() -> None:
    async with mail_server() as mailbox:
        mailbox.senders = ["550 not you"] * 3
        with pytest.raises(MailUnavailable, match="550 not you"):
            await a_mailer(mailbox).send(a_letter())


async def test_one_recipient_refused_and_another_taken_is_sent() -> None:
    async with mail_server() as mailbox:
        mailbox.recipients = {"gone@acme.example": "550 no such user"}
        with structlog.testing.capture_logs() as logs:
            await a_mailer(mailbox).send(a_letter("gone@acme.example", "b@acme.example"))

    assert mailbox.taken[0].recipients == ["b@acme.example"]
    refused = [entry for entry in logs if entry["event"] == "recipient.refused"]
    assert [entry["recipient"] for entry in refused] == ["gone@acme.example"]
    assert "550" in refused[0]["answer"]


async def test_no_recipient_taken_is_refused_if_all_are_refused_for_good() -> None:
    async with mail_server() as mailbox:
        mailbox.recipients = {"a@acme.example": "550 no", "b@acme.example": "551 moved"}
        with pytest.raises(MailRefused, match=r"a@acme\.example: 550 no; b@acme\.example: 551"):
            await a_mailer(mailbox).send(a_letter("a@acme.example", "b@acme.example"))

    assert mailbox.tries == 1


async def test_no_recipient_taken_is_unavailable_if_one_may_be_taken_later() -> None:
    async with mail_server() as mailbox:
        mailbox.recipients = {"a@acme.example": "550 no", "b@acme.example": "450 greylisted"}
        with pytest.raises(MailUnavailable, match="450 greylisted"):
            await a_mailer(mailbox).send(a_letter("a@acme.example", "b@acme.example"))

    assert mailbox.tries == 3


async def test_an_address_that_the_server_cannot_write_is_refused() -> None:
    async with mail_server() as mailbox:
        with pytest.raises(MailRefused, match="SMTPUTF8"):
            await a_mailer(mailbox).send(a_letter("jürgen@acme.example"))


async def test_a_letter_to_nobody_is_refused() -> None:
    letter = a_letter()
    del letter["To"]

    with pytest.raises(MailRefused, match="no recipient"):
        await SmtpMailer("smtp://127.0.0.1:9", SENDER).send(letter)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://hub:pa55word@mail.example", "begin with smtp"),
        ("mail.example:25", "begin with smtp"),
        ("smtp://", "names no host"),
        ("smtp://hub:pa55word@", "names no host"),
        ("smtp://hub:pa55word@mail.example:0", "port"),
        ("smtp://hub:pa55word@mail.example:99999", "port"),
        ("smtp://hub:pa55word@mail.example:x", "port"),
    ],
)
def test_a_wrong_address_of_the_mail_server_is_told(url: str, complaint: str) -> None:
    with pytest.raises(BadSmtpUrl, match=complaint) as raised:
        SmtpMailer(url, SENDER)

    assert "pa55word" not in str(raised.value)


async def test_a_letter_is_written_into_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mails"

    with structlog.testing.capture_logs() as logs:
        await FileMailer(folder).send(a_letter())

    (path,) = written(folder)
    letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert path.suffix == ".eml"
    assert letter["Subject"] == "Ärger mit dem Server"
    assert [entry["event"] for entry in logs] == ["mail.written"]
    assert logs[0]["path"] == str(path)


async def test_the_same_letter_is_written_once(tmp_path: Path) -> None:
    mailer, other = FileMailer(tmp_path), a_letter()
    other.replace_header("Message-ID", "<2@learning.example>")

    for letter in (a_letter(), a_letter(), other):
        await mailer.send(letter)

    assert len(written(tmp_path)) == 2


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mails").write_text("not a folder")

    with pytest.raises(MailUnavailable, match="cannot be written"):
        await FileMailer(tmp_path / "mails").send(a_letter())
