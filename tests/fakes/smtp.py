"""A real mail server on loopback (aiosmtpd's) that refuses what it is told to refuse."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(slots=True)
class Taken:
    """A mail that the server took."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool
    logged_in: bool


@dataclass(slots=True)
class Mailbox:
    """What the server took, and what it answers instead of taking."""

    taken: list[Taken] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    """Answers to the content of the next letters, instead of taking them."""
    senders: list[str] = field(default_factory=list)
    """Answers to the next senders."""
    recipients: dict[str, str] = field(default_factory=dict)
    """Answers to these recipients."""
    tries: int = 0
    port: int = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Hear who sends."""
        self.tries += 1
        if self.senders:
            return self.senders.pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Hear whom it is for."""
        if address in self.recipients:
            return self.recipients[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take the letter, or not."""
        if self.letters:
            return self.letters.pop(0)
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.taken.append(
            Taken(
                sender=str(envelope.mail_from),
                recipients=envelope.rcpt_tos,
                content=content,
                encrypted=session.ssl is not None,
                logged_in=bool(session.authenticated),
            )
        )
        return "250 OK"


@dataclass(frozen=True, slots=True)
class Account:
    """The one account that may log in."""

    username: str
    password: str

    def __call__(self, *arguments: object) -> AuthResult:
        """Say whether somebody may log in; the last argument is what they prove it with."""
        known = LoginPassword(self.username.encode(), self.password.encode())
        return AuthResult(success=arguments[-1] == known, handled=False)


@asynccontextmanager
async def mail_server(
    *,
    account: Account | None = None,
    start_tls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    port: int = 0,
) -> AsyncIterator[Mailbox]:
    """Run a mail server, on a free port unless one is named."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        return SMTP(
            mailbox,
            hostname="mail.example",
            loop=loop,
            tls_context=start_tls,
            authenticator=account,
            auth_require_tls=False,
            enable_SMTPUTF8=False,
        )

    server = await loop.create_server(connection, "127.0.0.1", port, ssl=tls)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()
