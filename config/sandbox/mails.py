"""A mail server that keeps what it is given, and delivers nothing."""

from collections import deque
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import Struct

from config.sandbox.moments import Clock, written
from config.sandbox.switch import Breaker, Mode

LARGEST_MAIL = 5 * 1024 * 1024


class Mail(Struct, frozen=True):
    """One mail, as it came in."""

    id: int
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None

    def spoken(self) -> dict[str, object]:
        """Return the mail as plain JSON values."""
        return {
            "id": self.id,
            "at": written(self.at),
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "headers": self.headers,
            "text": self.text,
            "html": self.html,
        }


class Mailbox:
    """The latest mails, whoever they were meant for."""

    def __init__(self, clock: Clock, breaker: Breaker, *, keep: int) -> None:
        self._clock = clock
        self._breaker = breaker
        self._mails: deque[Mail] = deque(maxlen=keep)
        self.forget()

    def forget(self) -> None:
        self._mails.clear()
        self.received = 0

    def mails(self) -> list[Mail]:
        """Return the mails, newest first."""
        return list(reversed(self._mails))

    def find(self, mail_id: int) -> Mail | None:
        return next((mail for mail in self._mails if mail.id == mail_id), None)

    def keep(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Put a mail into the box."""
        self.received += 1
        letter = message_from_bytes(content, policy=policy.default)
        self._mails.append(
            Mail(
                id=self.received,
                at=self._clock(),
                sender=sender,
                recipients=tuple(recipients),
                subject=str(letter.get("subject", "")),
                headers=tuple((name, str(value)) for name, value in letter.items()),
                text=_part(letter, "plain"),
                html=_part(letter, "html"),
            )
        )

    def protocol(self) -> SMTP:
        """Make the server's end of one SMTP connection."""
        return SMTP(self, hostname="sandbox", enable_SMTPUTF8=True, data_size_limit=LARGEST_MAIL)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, or refuse it as the switch says."""
        switch = self._breaker.draw()
        if switch.mode == Mode.STATUS:
            return f"{switch.status} The sandbox was told to refuse this mail"
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        self.keep(envelope.mail_from or "", list(envelope.rcpt_tos), raw)
        return "250 Kept in the sandbox"


def _part(letter: EmailMessage, kind: str) -> str | None:
    part = letter.get_body(preferencelist=(kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        # A charset that Python does not know; some letters are better than none.
        raw = part.get_payload(decode=True)
        return raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)
