"""The way to the technical contacts: a mail server, or a folder where there is none.

What goes wrong is one of two: `MailUnavailable`, not now, because the server is away, busy, or will
not have us; `MailRefused`, never, because it will not have this letter or any of its recipients.
"""

import asyncio
import hashlib
import os
import ssl
from collections.abc import Iterable
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib
import structlog
from aiosmtplib import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from delivery.facts.errors import DeliveryError, MailRefused, MailUnavailable

WITHIN = timedelta(seconds=20)
"""One try, all phases; three of them stay within the two minutes an alert is claimed for."""
TRIES = 3
PAUSE = timedelta(seconds=1)
PERMANENT = 500

log = structlog.get_logger()


class BadSmtpUrl(DeliveryError):
    """The address of the mail server cannot be used; the password in it is not repeated."""


class SmtpMailer:
    """Hands letters to a mail server: `smtp://user:password@host:587` or `smtps://...`."""

    def __init__(
        self,
        url: str,
        sender: str,
        *,
        tls: ssl.SSLContext | None = None,
        within: timedelta = WITHIN,
        pause: timedelta = PAUSE,
    ) -> None:
        self._server = _read(url)
        self._sender = parseaddr(sender)[1] or sender
        self._tls = tls
        self._within = within
        self._pause = pause

    async def send(self, letter: EmailMessage) -> None:
        """Send a letter to all its recipients; done if the server took it for at least one.

        Raises MailUnavailable after a few tries, or MailRefused at once.
        """
        if not letter.get_all("To"):
            raise MailRefused("the letter has no recipient with a usable address")
        trying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(self._pause.total_seconds()),
            retry=retry_if_exception_type(MailUnavailable),
            reraise=True,
        )
        await trying(self._send, letter)

    async def _send(self, letter: EmailMessage) -> None:
        refused: dict[str, aiosmtplib.SMTPResponse] | None = None
        try:
            async with asyncio.timeout(self._within.total_seconds()), self._connection() as smtp:
                refused, _ = await smtp.send_message(letter, sender=self._sender)
        except (SMTPException, OSError, ValueError) as error:
            # A letter that was taken is sent, however the parting goes.
            if refused is None:
                raise _translated(error, self._server.hostname or "") from error
        for recipient, response in (refused or {}).items():
            log.warning("recipient.refused", recipient=recipient, answer=str(response))
        log.info("mail.sent", message_id=str(letter["Message-ID"]), refused=len(refused or {}))

    def _connection(self) -> aiosmtplib.SMTP:
        server = self._server
        secure = server.scheme == "smtps"
        return aiosmtplib.SMTP(
            hostname=server.hostname,
            port=server.port,
            username=unquote(server.username) if server.username else None,
            password=unquote(server.password or "") if server.username else None,
            use_tls=secure,
            start_tls=False if secure else self._start_tls(),
            tls_context=self._tls,
            timeout=self._within.total_seconds(),
            # Named here, because finding one's own name may block for seconds.
            local_hostname=self._sender.rpartition("@")[2] or "localhost",
        )

    def _start_tls(self) -> bool | None:
        """Demand TLS for a password, unless it stays on this machine; else take it if offered."""
        return True if self._server.username and not _is_here(self._server.hostname) else None


class FileMailer:
    """Writes letters into a folder, one file each: for a machine without a mail server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, letter: EmailMessage) -> None:
        """Write a letter, on disk when this returns. Raises MailUnavailable."""
        try:
            path = await asyncio.to_thread(_write, self._folder, letter)
        except OSError as error:
            raise MailUnavailable(f"{self._folder} cannot be written: {error.strerror}") from error
        log.info("mail.written", path=str(path), subject=str(letter["Subject"]))


def _read(url: str) -> SplitResult:
    server = urlsplit(url)
    if server.scheme not in {"smtp", "smtps"}:
        raise BadSmtpUrl("the address of the mail server must begin with smtp:// or smtps://")
    if not server.hostname:
        raise BadSmtpUrl("the address of the mail server names no host")
    try:
        usable = server.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise BadSmtpUrl("the port of the mail server must be between 1 and 65535")
    return server


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _translated(error: Exception, host: str) -> MailUnavailable | MailRefused:
    match error:
        case SMTPRecipientsRefused(recipients=refused) if _all_permanent(refused):
            return MailRefused(f"{host} refused every recipient: {_answers(refused)}")
        case SMTPRecipientsRefused(recipients=refused):
            return MailUnavailable(f"{host} took no recipient: {_answers(refused)}")
        case SMTPDataError(code=code) if code >= PERMANENT:
            return MailRefused(f"{host} refused the letter: {code} {error.message}")
        case SMTPResponseException(code=code, message=words):
            return MailUnavailable(f"{host} answered {code} {words}")
        case TimeoutError():
            return MailUnavailable(f"{host} did not answer in time")
        case OSError():
            return MailUnavailable(f"{host} cannot be reached: {error}")
        case SMTPNotSupported() | ValueError():
            return MailRefused(f"{host} cannot take the letter: {error}")
        case _:
            return MailUnavailable(f"{host} failed: {error}")


def _all_permanent(refused: Iterable[SMTPRecipientRefused]) -> bool:
    return all(refusal.code >= PERMANENT for refusal in refused)


def _answers(refused: Iterable[SMTPRecipientRefused]) -> str:
    return "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in refused)


def _write(folder: Path, letter: EmailMessage) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    # The same letter again goes over itself: a crash may repeat it.
    name = hashlib.sha256(str(letter["Message-ID"]).encode()).hexdigest()[:32]
    path, unfinished = folder / f"{name}.eml", folder / f"{name}.part"
    with unfinished.open("wb") as file:
        file.write(letter.as_bytes())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync(folder)
    return path


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
