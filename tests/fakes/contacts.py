"""Technical contacts with a mailbox in memory, and a mail server that can be away."""

from email.message import EmailMessage

from delivery.facts.errors import MailRefused, MailUnavailable


class FakeContacts:
    """Takes mails; while `away`, refuses them as a mail server does that cannot be reached."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.away = False
        self.tries = 0

    async def send(self, letter: EmailMessage) -> None:
        """Take a mail."""
        self.tries += 1
        if self.away:
            raise MailUnavailable("the mail server is away")
        self.letters.append(letter)


class Died(BaseException):
    """The worker is gone."""


class FatalContacts(FakeContacts):
    """Takes a mail, and the worker with it."""

    async def send(self, letter: EmailMessage) -> None:
        """Take a mail, and end."""
        await super().send(letter)
        raise Died


class StrictContacts(FakeContacts):
    """Will never take a mail."""

    async def send(self, letter: EmailMessage) -> None:
        """Refuse a mail for good."""
        self.tries += 1
        raise MailRefused(f"550 no {letter['Subject']}")
